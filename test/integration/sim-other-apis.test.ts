// The simulated engine's APIs beside chat and completions, alone and behind the router.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, post } from '../support/openai-client.js';
import { startRouter, TEST_MODEL } from '../support/router.js';
import { startSim } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(8);
const messages = [{ role: 'user', content: TEXT }];
const CHAT = { model: TEST_MODEL, max_tokens: 6, messages };
const RESPONSE = { model: TEST_MODEL, input: TEXT, max_output_tokens: 6 };

interface NamedEvent {
  readonly name: string;
  readonly data: ReturnType<typeof JSON.parse>;
}

function namedEvents({ text }: Answer): readonly NamedEvent[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('event: '))
    .map((event) => {
      const [name = '', data = ''] = event.split('\n');
      return { name: name.slice('event: '.length), data: JSON.parse(data.slice('data: '.length)) };
    });
}

test('a message is the answer to the same chat in Anthropic form', async (t) => {
  const { url } = await startSim(t, { model: TEST_MODEL });
  const chat = (await post(`${url}/v1/chat/completions`, CHAT)).body;
  const { body } = await post(`${url}/v1/messages`, CHAT);
  assert.equal(body.type, 'message');
  assert.equal(body.content[0].text, chat.choices[0].message.content);
  assert.equal(body.stop_reason, 'max_tokens');
  const { input_tokens, cache_read_input_tokens, output_tokens } = body.usage;
  assert.ok(cache_read_input_tokens > 300);
  assert.equal(input_tokens + cache_read_input_tokens, chat.usage.prompt_tokens);
  assert.equal(output_tokens, 6);
  const counted = await post(`${url}/v1/messages/count_tokens`, CHAT);
  assert.equal(counted.body.input_tokens, chat.usage.prompt_tokens);
});

test('a streamed message has one delta a token and ends with the usage', async (t) => {
  const { url } = await startSim(t, { model: TEST_MODEL });
  const whole = (await post(`${url}/v1/messages`, CHAT)).body;
  const answer = await post(`${url}/v1/messages`, { ...CHAT, stream: true });
  const events = namedEvents(answer);
  assert.ok(events.every(({ name, data }) => data.type === name));
  assert.deepEqual(
    events.map(({ name }) => name),
    [
      ...['message_start', 'content_block_start'],
      ...Array(6).fill('content_block_delta'),
      ...['content_block_stop', 'message_delta', 'message_stop'],
    ],
  );
  const deltas = events.flatMap(({ data }) => data.delta?.text ?? []);
  assert.equal(deltas.join(''), whole.content[0].text);
  assert.equal(events.at(-2)?.data.usage.output_tokens, 6);
  assert.match(answer.text, /data: \[DONE\]\n\n$/);
});

test('a stop sequence ends a message', async (t) => {
  const { url } = await startSim(t, { model: TEST_MODEL });
  const whole = (await post(`${url}/v1/messages`, CHAT)).body.content[0].text;
  const stopped = await post(`${url}/v1/messages`, { ...CHAT, stop_sequences: [whole[3]] });
  assert.equal(stopped.body.stop_reason, 'end_turn');
  assert.equal(stopped.body.content[0].text, whole.slice(0, whole.indexOf(whole[3])));
});

test('a response holds the same text whole and in numbered events', async (t) => {
  const { url } = await startSim(t, { model: TEST_MODEL });
  const { body } = await post(`${url}/v1/responses`, RESPONSE);
  assert.equal(body.status, 'incomplete');
  const [{ content }] = body.output;
  const events = namedEvents(await post(`${url}/v1/responses`, { ...RESPONSE, stream: true }));
  assert.deepEqual(
    events.map(({ data }) => data.sequence_number),
    events.map((_, i) => i),
  );
  const deltas = events.filter(({ name }) => name === 'response.output_text.delta');
  assert.equal(deltas.length, 6);
  assert.equal(deltas.map(({ data }) => data.delta).join(''), content[0].text);
  const last = events.at(-1);
  assert.equal(last?.name, 'response.completed');
  assert.ok(last.data.response.usage.input_tokens_details.cached_tokens > 300);
});

test('generate takes token ids and gives token ids', async (t) => {
  const { url } = await startSim(t, { model: TEST_MODEL });
  const prompt = Array.from({ length: 40 }, (_, i) => i + 50);
  const body = { token_ids: prompt, sampling_params: { max_tokens: 5, ignore_eos: true } };
  const answer = await post(`${url}/inference/v1/generate`, body);
  const [choice] = answer.body.choices;
  assert.equal(choice.token_ids.length, 5);
  assert.equal(choice.finish_reason, 'length');
  const asked = { prompt, max_tokens: 5, ignore_eos: true, return_token_ids: true };
  const completion = await post(`${url}/v1/completions`, asked);
  assert.deepEqual(choice.token_ids, completion.body.choices[0].token_ids);
  assert.equal((await post(`${url}/inference/v1/generate`, { ...body, stream: true })).status, 501);
});

test('a suffix is refused, as vLLM refuses it', async (t) => {
  const { url } = await startSim(t, { model: TEST_MODEL });
  const answer = await post(`${url}/v1/completions`, { prompt: 'a', suffix: 'b' });
  assert.equal(answer.status, 400);
  assert.match(answer.body.error.message, /suffix/);
});

test('what the cache gave is learned from the usage of every API', async (t) => {
  const sim = await startSim(t, { model: TEST_MODEL });
  const { url, adminUrl } = await startRouter(t, [sim]);
  const actual = async () => {
    const page = await (await fetch(`${adminUrl}/metrics`)).text();
    const lines = page.split('\n').filter((line) => /^warmpath_cached_tokens_actual/.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  await post(`${url}/v1/messages`, CHAT);
  let before = await actual();
  const asked = [
    ['/v1/messages', CHAT],
    ['/v1/messages', { ...CHAT, stream: true }],
    ['/v1/responses', RESPONSE],
    ['/v1/responses', { ...RESPONSE, stream: true }],
  ] as const;
  for (const [path, body] of asked) {
    await post(`${url}${path}`, body);
    await waitFor(`counting the cached tokens of ${path}`, async () => (await actual()) > before);
    before = await actual();
  }
});
