import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequest } from '../../src/openai/request-parser.js';
import { hashPrompt } from '../../src/prefix/block-hasher.js';
import { NO_KEYS } from '../../src/prefix/extra-keys.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import { RequestMatcher } from '../../src/tokenizer/match-request.js';
import type {
  MatchFound,
  MatchModel,
  MatchModels,
  MatchReply,
  RequestShape,
} from '../../src/tokenizer/match-task.js';
import type { MatchHashes } from '../../src/tokenizer/prefix-match.js';
import { bytesOf } from '../support/qwen3.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';

const CHATML = '{% for m in messages %}{{ m.role }} [ {{ m.content }} ] {% endfor %}';
const folder = tinyTokenizerFolder({ config: { chat_template: CHATML } });

function settings(blockSizeTokens: number): HashSettings {
  return {
    algorithm: 'sha256_cbor',
    ...rootFromSeed('sha256_cbor', '42'),
    blockSizeTokens,
    profile: 'main-2026-08-17',
  };
}

function modelsOf(...changes: Partial<MatchModel>[]): MatchModels {
  const models = changes.map((change, i) => ({
    name: `m${i}`,
    aliases: [`alias${i}`],
    loraAdapters: [`adapter${i}`],
    tokenizer: folder,
    hashSettings: [settings(4)],
    maxModelLen: null,
    ...change,
  }));
  return { version: 1, text: JSON.stringify(models) };
}

/** Endpoint 7 holds everything it is asked for, endpoint 9 the first block. */
const holdsAll: MatchHashes = (hashes, triples) => {
  triples.set([7, hashes.length, hashes.length * 256, 9, 1, 256]);
  return 2;
};

function matcherOf(match: MatchHashes | null = holdsAll): RequestMatcher {
  return new RequestMatcher({ parse: parseRequest, match, maxEndpoints: 16 });
}

function ask(
  body: unknown,
  {
    models = modelsOf({}),
    shape = 'completions',
    matcher = matcherOf(),
  }: {
    models?: MatchModels;
    shape?: RequestShape;
    matcher?: RequestMatcher;
  } = {},
): Promise<MatchReply> {
  return matcher.match({ shape, body: bytesOf(body), models });
}

async function found(...args: Parameters<typeof ask>): Promise<MatchFound> {
  const reply = await ask(...args);
  assert.ok(reply.ok, reply.ok ? '' : reply.message);
  return reply;
}

test('a prompt is hashed with the settings and matched', async () => {
  const prompt = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const reply = await found({ model: 'm0', prompt, stream: true, max_tokens: 5 });
  assert.equal(reply.promptTokens, 9);
  assert.equal(reply.stream, true);
  assert.equal(reply.maxTokens, 5);
  const [match] = reply.matches;
  assert.deepEqual(match?.hashes, hashPrompt(Uint32Array.from(prompt), settings(4)));
  assert.equal(match?.blockCount, 2);
  assert.deepEqual(match?.triples, Uint32Array.of(7, 2, 512, 9, 1, 256));
  for (const time of Object.values(reply.times)) assert.ok(time >= 0 && time < 10_000_000);
});

test('a prompt of whole blocks cannot hit its last one', async () => {
  const { matches } = await found({ model: 'm0', prompt: [1, 2, 3, 4, 5, 6, 7, 8] });
  assert.equal(matches[0]?.blockCount, 2);
  assert.deepEqual(matches[0]?.triples, Uint32Array.of(7, 1, 256, 9, 1, 256));
  const short = await found({ model: 'm0', prompt: [1, 2, 3, 4] });
  assert.equal(short.matches[0]?.blockCount, 1);
  assert.equal(short.matches[0]?.triples.length, 0);
});

test('several prompts have their chains one after the other and their matches summed', async () => {
  const prompt = [[1, 2, 3, 4, 5], [1], [1, 2, 3, 4, 5, 6, 7, 8, 9]];
  const { matches, promptTokens } = await found({ model: 'm0', prompt });
  const [match] = matches;
  assert.equal(promptTokens, 15);
  assert.equal(match?.blockCount, 3);
  assert.deepEqual(match?.promptStarts, Uint32Array.of(0, 1, 1));
  assert.equal(match?.hashes[0], match?.hashes[1]);
  assert.deepEqual(match?.triples, Uint32Array.of(7, 3, 768, 9, 2, 512));
});

test('every distinct setting is hashed for itself', async () => {
  const models = modelsOf({ hashSettings: [settings(4), settings(2)] });
  const { matches } = await found({ model: 'm0', prompt: [1, 2, 3, 4, 5] }, { models });
  assert.deepEqual(
    matches.map(({ settings, blockCount, blockSizeTokens }) => [
      settings,
      blockCount,
      blockSizeTokens,
    ]),
    [
      [0, 1, 4],
      [1, 2, 2],
    ],
  );
});

test('adapter and salt enter the hashes', async () => {
  const prompt = [1, 2, 3, 4, 5, 6, 7, 8];
  const reply = await found({ model: 'adapter0', prompt, cache_salt: 's' });
  assert.equal(reply.model, 'm0');
  assert.equal(reply.loraName, 'adapter0');
  const keys = { ...NO_KEYS, loraName: 'adapter0', cacheSalt: 's' };
  assert.deepEqual(
    reply.matches[0]?.hashes,
    hashPrompt(Uint32Array.from(prompt), settings(4), keys),
  );
});

test('a model answers to its aliases, and alone also to no name', async () => {
  assert.equal((await found({ model: 'alias0', prompt: [1] })).model, 'm0');
  assert.equal((await found({ prompt: [1] })).model, 'm0');
  const two = modelsOf({}, {});
  assert.deepEqual(await ask({ prompt: [1] }, { models: two }), {
    ok: false,
    code: 'invalid_request',
    message: 'model: is required, one of m0, m1',
    param: 'model',
  });
});

test('an unknown model is refused in the words of vLLM', async () => {
  assert.deepEqual(await ask({ model: 'x', prompt: [1] }), {
    ok: false,
    code: 'model_not_found',
    message: 'The model `x` does not exist.',
    param: 'model',
  });
});

test('a prompt that leaves no room for its output is refused in the words of vLLM', async () => {
  const models = modelsOf({ maxModelLen: 10 });
  const body = { model: 'm0', prompt: [1, 2, 3, 4, 5, 6], max_tokens: 5 };
  assert.deepEqual(await ask(body, { models }), {
    ok: false,
    code: 'prompt_too_long',
    message:
      "You passed 6 input tokens and requested 5 output tokens. However, the model's context " +
      'length is only 10 tokens, resulting in a maximum input length of 5 tokens. Please reduce ' +
      'the length of the input prompt.',
    param: 'input_tokens',
  });
  assert.equal((await ask({ ...body, max_tokens: 4 }, { models })).ok, true);
});

test('an engine that will not read its cache matches nothing, but will store', async () => {
  const reply = await found({ model: 'm0', prompt: [1, 2, 3, 4, 5], prompt_logprobs: 1 });
  assert.equal(reply.skipsCacheRead, true);
  assert.equal(reply.matches[0]?.triples.length, 0);
  assert.equal(reply.matches[0]?.blockCount, 1);
});

test('a chat with media may hit every full block before them', async () => {
  const chat_template =
    "{% for m in messages %}{% for p in m.content %} {{ p.text|default('<unk>') }} {% endfor %}{% endfor %}";
  const models = modelsOf({ tokenizer: tinyTokenizerFolder({ config: { chat_template } }) });
  const image = { type: 'image_url', image_url: { url: 'u' } };
  const content = [{ type: 'text', text: 'a b c d' }, image, { type: 'text', text: 'e' }];
  const body = { model: 'm0', messages: [{ role: 'user', content }] };
  const { matches } = await found(body, { models, shape: 'chat' });
  assert.equal(matches[0]?.blockCount, 1);
  assert.deepEqual(matches[0]?.triples.subarray(0, 2), Uint32Array.of(7, 1));
});

test('a prompt only the engine can make is routed without a match', async () => {
  const models = modelsOf({ tokenizer: tinyTokenizerFolder({}) });
  const body = { model: 'm0', messages: [{ role: 'user', content: 'a' }] };
  const reply = await found(body, { models, shape: 'chat' });
  assert.equal(reply.unmatched, 'opaque');
  assert.deepEqual(reply.matches, []);
  assert.ok(reply.promptTokens > 0);
});

test('a model whose tokenizer cannot be loaded is routed without a match', async () => {
  const models = modelsOf({ tokenizer: '/nowhere' }, {});
  const reply = await found({ model: 'm0', prompt: 'a' }, { models });
  assert.equal(reply.unmatched, 'opaque');
  assert.equal((await found({ model: 'm1', prompt: [1] }, { models })).unmatched, null);
});

test('whatever goes wrong is a refusal', async () => {
  const broken = matcherOf(() => {
    throw new Error('index is gone');
  });
  const failed = await ask({ model: 'm0', prompt: [1, 2, 3, 4, 5] }, { matcher: broken });
  assert.ok(!failed.ok && failed.code === 'internal' && failed.message === 'index is gone');
  const refused = await ask('{"prompt":');
  assert.ok(!refused.ok && refused.code === 'invalid_json');
});

test('an outline names the model without a look at the prompt', () => {
  const task = {
    shape: 'completions' as const,
    body: bytesOf({ model: 'alias0', prompt: 'a' }),
    models: modelsOf({}),
  };
  const reply = matcherOf().outline(task);
  assert.ok(reply.ok);
  assert.equal(reply.model, 'm0');
  assert.equal(reply.unmatched, 'deadline');
  const refused = matcherOf().outline({ ...task, body: bytesOf({ model: 'x', prompt: 'a' }) });
  assert.ok(!refused.ok && refused.code === 'model_not_found');
});

test('new models take effect with their version', async () => {
  const matcher = matcherOf();
  assert.equal((await ask({ model: 'm0', prompt: [1] }, { matcher })).ok, true);
  const renamed = { version: 2, text: modelsOf({ name: 'new' }).text };
  assert.equal((await ask({ model: 'new', prompt: [1] }, { matcher, models: renamed })).ok, true);
  assert.equal((await ask({ model: 'm0', prompt: [1] }, { matcher, models: renamed })).ok, false);
});
