import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { setLogLevel } from '../../src/log.js';
import { parseRequest } from '../../src/openai/request-parser.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import { RequestMatcher } from '../../src/tokenizer/match-request.js';
import {
  ENGINE_TOKENIZER,
  type MatchModel,
  type MatchReply,
  type MatchTask,
} from '../../src/tokenizer/match-task.js';
import { QuickMatcher } from '../../src/tokenizer/quick-matcher.js';
import { bytesOf, QWEN3_FOLDER } from '../support/qwen3.js';

setLogLevel('error');

const QWEN: Partial<MatchModel> = { name: 'qwen', tokenizer: QWEN3_FOLDER };
const ENGINE: Partial<MatchModel> = { name: 'engine', tokenizer: ENGINE_TOKENIZER };
const MODELS = {
  version: 1,
  text: JSON.stringify(
    [QWEN, ENGINE].map((model) => ({
      aliases: [],
      loraAdapters: [],
      hashSettings: [
        {
          algorithm: 'sha256_cbor',
          ...rootFromSeed('sha256_cbor', '42'),
          blockSizeTokens: 16,
          profile: 'main-2026-08-17',
        },
      ],
      maxModelLen: null,
      chat: { trustRequestChatTemplate: true },
      ...model,
    })),
  ),
};

/** The main thread's matcher, and the one of a thread; both know what one of them has tokenized. */
async function stage({ folders = [QWEN3_FOLDER], isThreadFree = false } = {}) {
  const parsed: number[] = [];
  const onMain = new RequestMatcher({
    parse: (shape, body) => {
      parsed.push(body.length);
      return parseRequest(shape, body);
    },
    match: null,
    maxEndpoints: 0,
  });
  const matcher = new QuickMatcher(onMain);
  await matcher.load(folders);
  const quick = { match: (task: MatchTask) => matcher.match(task, isThreadFree) };
  const thread = new RequestMatcher({ parse: parseRequest, match: null, maxEndpoints: 0 });
  return { quick, thread, parsed };
}

let texts = 0;
/** Nobody has seen it before. */
function newText(characters: number): string {
  texts++;
  const words = Array.from({ length: Math.ceil(characters / 8) }, (_, i) =>
    ((texts * 7919 + i * 104_729) % 16 ** 7).toString(16).padStart(7, 'g'),
  );
  return words.join(' ').slice(0, characters);
}

function chat(contents: readonly string[], fields = {}): MatchTask {
  const messages = contents.map((content, i) => ({ role: i % 2 ? 'assistant' : 'user', content }));
  return { shape: 'chat', body: bytesOf({ model: 'qwen', messages, ...fields }), models: MODELS };
}

function withoutTimes(reply: MatchReply | null): unknown {
  return reply?.ok === true ? { ...reply, times: null } : reply;
}

test('a short prompt stays, and gets the answer of a thread', async () => {
  const { quick, thread } = await stage();
  const task = chat([newText(4000)]);
  const reply = quick.match(task);
  assert.ok(reply?.ok === true && reply.matches[0]?.hashes.length !== 0);
  assert.deepEqual(withoutTimes(reply), withoutTimes(await thread.match(task)));
});

test('a long new prompt goes to a thread without being parsed here', async () => {
  const { quick, parsed } = await stage();
  assert.equal(quick.match(chat([newText(20_000)])), null);
  assert.deepEqual(parsed, []);
});

test('the next turn of a conversation stays, whatever its fields are and where', async () => {
  const { quick, thread } = await stage();
  const description = newText(12_000);
  const fields = { tools: [{ type: 'function', function: { name: 'f', description } }] };
  const history = [newText(20_000)];
  for (let turn = 0; turn < 5; turn++) {
    const task = chat(history, fields);
    const reply = quick.match(task);
    assert.equal(reply === null, turn === 0, `turn ${turn}`);
    const expected = await thread.match(task);
    if (reply !== null) assert.deepEqual(withoutTimes(reply), withoutTimes(expected));
    history.push(newText(1000), newText(3000));
  }
});

test('a turn that adds more than 8 KB goes to a thread', async () => {
  const { quick, thread, parsed } = await stage();
  const history = [newText(20_000)];
  quick.match(chat(history));
  await thread.match(chat(history));
  assert.equal(quick.match(chat([...history, newText(10_000)])), null);
  assert.deepEqual(parsed, []);
});

test('a conversation whose bytes are known but not its tokens goes to a thread', async () => {
  const { quick } = await stage();
  const task = chat([newText(20_000)]);
  assert.equal(quick.match(task), null);
  assert.equal(quick.match(task), null, 'no thread has tokenized it yet');
});

test('a body of more than 64 KB goes to a thread, known or not', async () => {
  const { quick, thread, parsed } = await stage();
  const task = chat([newText(66_000)]);
  await thread.match(task);
  for (let i = 0; i < 2; i++) assert.equal(quick.match(task), null);
  assert.deepEqual(parsed, []);
});

test('what only a thread can do goes there', async () => {
  const { quick } = await stage();
  const text = newText(100);
  assert.ok(quick.match(chat([text])) !== null);
  assert.equal(quick.match({ ...chat([text]), withTokens: true }), null);
  assert.equal(quick.match({ ...chat([text]), rendered: { prompts: [] } }), null);
  assert.equal(quick.match(chat([text], { chat_template: 'a' })), null);
  assert.equal(quick.match(chat([text], { model: 'engine' })), null);
});

test('without a tokenizer here nothing is parsed', async () => {
  const { quick, parsed } = await stage({ folders: [] });
  assert.equal(quick.match(chat([newText(100)])), null);
  assert.deepEqual(parsed, []);
});

test('a request that no thread would take is refused here', async () => {
  const { quick } = await stage();
  const refusal = (task: MatchTask) => {
    const reply = quick.match(task);
    return reply?.ok === false ? reply.code : reply;
  };
  assert.equal(refusal(chat([])), 'invalid_request');
  assert.equal(refusal(chat(['a'], { model: 'other' })), 'model_not_found');
  assert.equal(refusal({ ...chat([]), body: bytesOf('{') }), 'invalid_json');
});

test('a busy thread leaves the work to one that is free', async () => {
  for (const isThreadFree of [false, true]) {
    await delay(1);
    const { quick } = await stage({ isThreadFree });
    const until = performance.now() + 150;
    while (performance.now() < until);
    assert.equal(quick.match(chat([newText(100)])) === null, isThreadFree);
  }
});

test('a thread with time to spare keeps the work', async () => {
  const { quick } = await stage({ isThreadFree: true });
  await delay(300);
  assert.ok(quick.match(chat([newText(100)])) !== null);
});
