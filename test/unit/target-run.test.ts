// `bench fleet --target`: what it sends, and what it makes of good and bad answers.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CompletionStream } from '../../bench/fleet/target/completion-stream.js';
import { TargetClient } from '../../bench/fleet/target/target-client.js';
import { targetRow } from '../../bench/fleet/target/target-row.js';
import { runTarget } from '../../bench/fleet/target/target-run.js';
import { targetTable } from '../../bench/fleet/target/target-table.js';
import type { Workload } from '../../bench/fleet/workload.js';
import { conversations } from '../../bench/fleet/workloads/conversations.js';
import {
  type EngineRequestSeen,
  framed,
  scriptedEngine,
  wholeResponse,
} from '../support/scripted-engine.js';

const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-warmpath-endpoint: a\r\ntransfer-encoding: chunked\r\n\r\n';
const event = (value: unknown) => framed(`data: ${JSON.stringify(value)}\n\n`);
const DONE = `${framed('data: [DONE]\n\n')}${framed('')}`;
const usage = (prompt: number, cached: number) => ({
  choices: [],
  usage: {
    prompt_tokens: prompt,
    completion_tokens: 2,
    prompt_tokens_details: { cached_tokens: cached },
  },
});
const ANSWER = `${HEAD}${event({ choices: [{ text: '', token_ids: [5] }] })}${event({
  choices: [{ text: 'b', token_ids: [6] }],
})}${event(usage(100, 64))}${DONE}`;

/** Two sessions of two turns, thinking 20 ms. */
const chats = (): Workload =>
  conversations(
    'chats',
    'two chats',
    {
      ...{ sessions: 2, startsPerSecond: 20, turns: 2, systemPrompts: 1, systemTokens: 20 },
      ...{ historyTokens: 0, questionTokens: 10, answerTokens: 2, thinkSeconds: 0.02 },
    },
    1,
  );

async function against(
  context: TestContext,
  answer: (request: EngineRequestSeen, body: Record<string, unknown>) => unknown,
) {
  const engine = await scriptedEngine((request) =>
    answer(request, JSON.parse(request.body.toString())),
  );
  context.after(() => engine[Symbol.dispose]());
  const client = new TargetClient(`${engine.url}/v1/`, 'secret');
  context.after(() => client.close());
  const workload = chats();
  const record = await runTarget({ client, workload, model: 'm', vocabulary: 500 });
  const label = { workload: 'chats', load: 1, target: 't', model: 'm', about: 'two chats' };
  return { record, row: targetRow(label, workload, 0.8, record) };
}

test('a stream may be cut anywhere; both times to first token are told apart', () => {
  const gaps: number[] = [];
  const stream = new CompletionStream((ms) => gaps.push(ms));
  const events = [{ choices: [{ text: '' }] }, { choices: [{ text: 'é' }] }, usage(9, 4)];
  const text = `: comment\n\n${events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join('')}data:[DONE]\n\n`;
  for (const [i, letter] of [...text].entries()) stream.read(letter, i);
  const [first, second] = [text.indexOf(']}'), text.indexOf(']}', text.indexOf('é'))];
  assert.deepEqual([stream.firstChunkMs, stream.firstTextMs], [first + 2, second + 2]);
  assert.deepEqual(gaps, [second - first]);
  assert.deepEqual([stream.promptTokens, stream.cachedTokens, stream.outputTokens], [9, 4, 2]);
  assert.ok(stream.isDone && stream.error === null);
});

test('requests carry token ids, and later ones the tokens that were answered', async (context) => {
  const prompts: unknown[] = [];
  const heads: string[] = [];
  const { row, record } = await against(context, ({ socket, head }, body) => {
    const { prompt, ...rest } = body;
    prompts.push(prompt);
    heads.push(head);
    assert.deepEqual(rest, {
      ...{ model: 'm', max_tokens: 2, ignore_eos: true, temperature: 0, stream: true },
      ...{ stream_options: { include_usage: true }, return_token_ids: true },
    });
    socket.write(ANSWER);
  });
  assert.ok(heads.every((head) => /authorization: bearer secret/i.test(head)));
  assert.deepEqual(prompts.map((prompt) => Array.isArray(prompt) && prompt.length).sort(), [
    ...[30, 30, 42, 42],
  ]);
  const later = prompts.find((prompt) => Array.isArray(prompt) && prompt.length === 42);
  assert.ok(Array.isArray(later));
  assert.deepEqual(later.slice(30, 32), [5, 6]);
  assert.equal(row.hit_ratio, 0.64);
  assert.equal(row.imbalance, 1);
  assert.deepEqual([row.rejects, row.failures, record.firstProblem], [0, 0, null]);
  assert.ok(row.ttft_mean > 0 && row.e2e_mean >= row.ttft_text_mean && row.output_tokens_per_s > 0);
});

test('a closed loop waits for the answer and the thought after it', async (context) => {
  const times = new Map<string, number[]>();
  await against(context, async ({ socket }, { prompt }) => {
    assert.ok(Array.isArray(prompt));
    const session = String(prompt.slice(20, 30));
    times.set(session, [...(times.get(session) ?? []), performance.now()]);
    await delay(60);
    socket.write(ANSWER);
  });
  assert.equal(times.size, 2);
  for (const [first = 0, second = 0] of times.values()) {
    assert.ok(second - first >= 79, `${second - first} ms between two turns`);
  }
});

test('a client that is late says so: times count from when a request was due', async (context) => {
  let blocked = false;
  const { row } = await against(context, ({ socket }) => {
    if (!blocked) {
      blocked = true;
      const untilMs = performance.now() + 150;
      while (performance.now() < untilMs);
    }
    socket.write(ANSWER);
  });
  assert.match(row.void ?? '', /this client was the bottleneck/);
  assert.match(targetTable(row), /VOID: this client was the bottleneck/);
});

for (const [name, answer, counts, problem] of [
  ['a full queue is a reject', 'HTTP/1.1 429 no\r\ncontent-length: 2\r\n\r\n{}', [4, 0], /null/],
  [
    'an error status is a failure',
    'HTTP/1.1 400 no\r\ncontent-length: 3\r\n\r\nbad',
    [0, 4],
    /400 bad/,
  ],
  [
    'an error inside of a stream is a failure',
    `${HEAD}${event({ error: { message: 'out of memory' } })}${DONE}`,
    [0, 4],
    /out of memory/,
  ],
  [
    'an answer without [DONE] is a failure',
    `${HEAD}${event(usage(1, 0))}${framed('')}`,
    [0, 4],
    /no \[DONE\]/,
  ],
] as const) {
  test(name, async (context) => {
    const { row } = await against(context, ({ socket }) => socket.write(answer));
    assert.deepEqual([row.rejects, row.failures], counts);
    assert.match(String(row.first_problem), problem);
  });
}

test('a stream that breaks off is a failure, and the session goes on', async (context) => {
  let requests = 0;
  const { row } = await against(context, ({ socket }) => {
    requests += 1;
    socket.end(`${HEAD}${event({ choices: [{ text: 'a' }] })}`);
  });
  assert.equal(requests, 4);
  assert.equal(row.failures, 4);
  assert.equal(row.hit_ratio, null);
  assert.match(targetTable(row), /no answer says how many tokens were cached/);
});

test('a target that cannot be measured is said before the run', async (context) => {
  assert.throws(
    () => new TargetClient('localhost:8080', null),
    /--target localhost:8080 is not a URL/,
  );
  const gone = await scriptedEngine(() => {});
  gone[Symbol.dispose]();
  const closed = new TargetClient(gone.url, null);
  await assert.rejects(closed.models(), /gives no list of models \(ECONNREFUSED\)/);
  const engine = await scriptedEngine(({ socket, head }) => {
    const known = /authorization: bearer k/i.test(head);
    socket.write(
      known
        ? wholeResponse('{"data":[{"id":"m","max_model_len":512}]}')
        : 'HTTP/1.1 401 no\r\ncontent-length: 0\r\n\r\n',
    );
  });
  context.after(() => engine[Symbol.dispose]());
  await assert.rejects(new TargetClient(engine.url, null).models(), /answers 401; --api-key/);
  const models = await new TargetClient(engine.url, 'k').models();
  assert.deepEqual(models, [{ name: 'm', maxTokens: 512 }]);
});
