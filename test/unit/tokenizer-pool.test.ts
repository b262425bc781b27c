import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { ConfigError, RouterError } from '../../src/errors.js';
import { setLogLevel } from '../../src/log.js';
import { parseRequest } from '../../src/openai/request-parser.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import { RequestMatcher } from '../../src/tokenizer/match-request.js';
import type { MatchModels, MatchReply, MatchTask } from '../../src/tokenizer/match-task.js';
import { TokenizerPool, type TokenizerPoolOptions } from '../../src/tokenizer/tokenizer-pool.js';
import { bytesOf, QWEN3_FOLDER } from '../support/qwen3.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { waitFor } from '../support/wait-for.js';

// The failures below are meant, so their log lines say nothing.
setLogLevel('error');

const FAULTY_WORKER = fileURLToPath(
  new URL('../support/faulty-tokenizer-worker.js', import.meta.url),
);
const OVERDUE: MatchReply = { ok: false, code: 'invalid_request', message: 'overdue', param: null };

function modelsOf(tokenizer: string): MatchModels {
  const settings = {
    algorithm: 'sha256_cbor',
    ...rootFromSeed('sha256_cbor', '42'),
    blockSizeTokens: 4,
    profile: 'main-2026-08-17',
  };
  const model = {
    name: 'm',
    aliases: [],
    loraAdapters: [],
    tokenizer,
    hashSettings: [settings],
    maxModelLen: null,
  };
  return { version: 1, text: JSON.stringify([model]) };
}

const TINY = modelsOf(tinyTokenizerFolder({ config: { chat_template: 'a' } }));

function poolOf(context: TestContext, options: Partial<TokenizerPoolOptions>): TokenizerPool {
  const pool = new TokenizerPool({
    threads: 1,
    queueMax: 10,
    deadlineMs: 10_000,
    indexId: null,
    models: TINY,
    outline: () => OVERDUE,
    ...options,
  });
  context.after(() => pool.close());
  return pool;
}

/** A task for the faulty worker. */
function command(text: string): MatchTask {
  return { shape: 'chat', body: bytesOf(text), models: TINY };
}

function messageOf(reply: MatchReply): string {
  return reply.ok ? 'found' : reply.message;
}

test('a thread answers as the matcher does in place', async (context) => {
  const models = modelsOf(QWEN3_FOLDER);
  const pool = poolOf(context, { threads: 2, models });
  await pool.ready();
  const matcher = new RequestMatcher({ parse: parseRequest, match: null, maxEndpoints: 0 });
  const bodies = [
    { model: 'm', messages: [{ role: 'user', content: 'Hello wörld '.repeat(20) }] },
    { model: 'x', messages: [{ role: 'user', content: 'a' }] },
    { model: 'm', messages: [] },
  ];
  for (const body of bodies) {
    const task: MatchTask = { shape: 'chat', body: bytesOf(body), models };
    const [expected, reply] = [await matcher.match(task), await pool.match(task)];
    const withoutTimes = (value: MatchReply) => (value.ok ? { ...value, times: null } : value);
    assert.deepEqual(withoutTimes(reply), withoutTimes(expected));
    assert.ok(task.body.length > 0, 'the body still belongs to the caller');
  }
});

test('ready() rejects with the folder that cannot be loaded', async (context) => {
  const pool = poolOf(context, { models: modelsOf('/nowhere/tokenizer') });
  await assert.rejects(
    pool.ready(),
    (error) => error instanceof ConfigError && /\/nowhere\/tokenizer/.test(error.message),
  );
});

test('one request more than may wait is refused with 429', async (context) => {
  const pool = poolOf(context, { queueMax: 2, workerFile: FAULTY_WORKER });
  await pool.ready();
  const capacity = 4;
  const waiting = Array.from({ length: capacity + 2 }, () => pool.match(command('wait 50')));
  const counts = { quick: 0, threaded: 6, waiting: 2, running: capacity, overdue: 0, refused: 0 };
  assert.deepEqual(pool.counts, counts);
  await assert.rejects(
    pool.match(command('wait 50')),
    (error) =>
      error instanceof RouterError && error.code === 'queue_full' && error.retryAfterSeconds === 1,
  );
  assert.equal(pool.counts.refused, 1);
  for (const reply of await Promise.all(waiting)) assert.match(messageOf(reply), /^wait 50/);
  assert.deepEqual(pool.counts, { ...counts, waiting: 0, running: 0, refused: 1 });
});

test('a request that runs or waits too long gets its outline', async (context) => {
  const pool = poolOf(context, { deadlineMs: 60, workerFile: FAULTY_WORKER });
  await pool.ready();
  const running = Array.from({ length: 4 }, () => pool.match(command('wait 400')));
  const waiting = pool.match(command('never starts'));
  for (const reply of await Promise.all([...running, waiting])) assert.equal(reply, OVERDUE);
  assert.equal(pool.counts.overdue, 5);
  assert.equal(pool.counts.waiting, 0);
});

test('a thread that throws fails only its request', async (context) => {
  const pool = poolOf(context, { workerFile: FAULTY_WORKER });
  await pool.ready();
  const reply = await pool.match(command('throw'));
  assert.ok(!reply.ok && reply.code === 'internal' && /thrown in the thread/.test(reply.message));
  assert.match(messageOf(await pool.match(command('next'))), /^next in/);
});

test('a thread that dies is replaced, and its request fails', async (context) => {
  const pool = poolOf(context, { workerFile: FAULTY_WORKER });
  await pool.ready();
  const before = messageOf(await pool.match(command('who')));
  const reply = await pool.match(command('exit'));
  assert.ok(!reply.ok && reply.code === 'internal', messageOf(reply));
  await waitFor('the next thread', () => pool.readyThreads === 1);
  const after = messageOf(await pool.match(command('who')));
  assert.match(after, /^who in/);
  assert.notEqual(after, before);
});

test('threads that die before they are ready are started again, and requests do not wait for them', async (context) => {
  const pool = poolOf(context, { workerFile: FAULTY_WORKER });
  await pool.ready();
  let killed = 0;
  const onWorker = (worker: Worker) => {
    killed++;
    if (killed === 2) process.off('worker', onWorker);
    void worker.terminate();
  };
  process.on('worker', onWorker);
  await pool.match(command('exit'));
  await waitFor('the first replacement', () => killed === 1 && pool.readyThreads === 0);
  assert.notEqual(pool.downSinceMs, null);
  const meanwhile = await pool.match(command('who'));
  assert.ok(!meanwhile.ok && meanwhile.code === 'internal');
  await waitFor('a thread', () => pool.readyThreads === 1);
  assert.equal(killed, 2);
  assert.equal(pool.downSinceMs, null);
  assert.equal(pool.deaths, 3);
  assert.match(messageOf(await pool.match(command('who'))), /^who in/);
});

test('what takes little is answered without a thread', async (context) => {
  const quick = ({ body }: MatchTask) => (body.length < 10 ? OVERDUE : null);
  const pool = poolOf(context, { workerFile: FAULTY_WORKER, quick });
  await pool.ready();
  assert.equal(await pool.match(command('little')), OVERDUE);
  assert.match(messageOf(await pool.match(command('rather more'))), /^rather more in/);
  assert.deepEqual([pool.counts.quick, pool.counts.threaded], [1, 1]);
});

test('short prompts wait for no long one', async (context) => {
  const pool = poolOf(context, { threads: 2, workerFile: FAULTY_WORKER });
  await pool.ready();
  const long = command(`wait 5000${' '.repeat(300_000)}`);
  const longs = Array.from({ length: 6 }, () => pool.match(long));
  assert.equal(pool.counts.waiting, 2);
  const threads = new Set<string>();
  for (let i = 0; i < 10; i++) threads.add(messageOf(await pool.match(command('short'))));
  assert.equal(threads.size, 1, 'the thread that gets no long prompts');
  await pool.close();
  for (const reply of await Promise.all(longs)) assert.equal(messageOf(reply).length > 0, true);
});

test('long prompts wait in their own queue, and short ones take every idle thread', async (context) => {
  const pool = poolOf(context, { threads: 2, workerFile: FAULTY_WORKER });
  await pool.ready();
  const shorts = Array.from({ length: 9 }, () => pool.match(command('wait 30')));
  assert.equal(pool.counts.waiting, 1);
  const long = pool.match(command(`wait 1${' '.repeat(300_000)}`));
  assert.equal(pool.counts.waiting, 2);
  const names = (await Promise.all(shorts)).map(messageOf);
  assert.equal(new Set(names).size, 2);
  assert.ok(names.includes(messageOf(await long).replace(/^wait 1 +/, 'wait 30 ')));
});

test('closing answers what still runs or waits', async () => {
  const pool = new TokenizerPool({
    threads: 1,
    queueMax: 10,
    deadlineMs: 10_000,
    indexId: null,
    models: TINY,
    outline: () => OVERDUE,
    workerFile: FAULTY_WORKER,
  });
  await pool.ready();
  const replies = Array.from({ length: 6 }, () => pool.match(command('wait 5000')));
  await pool.close();
  for (const reply of await Promise.all(replies)) {
    assert.ok(!reply.ok && reply.code === 'draining', messageOf(reply));
  }
});
