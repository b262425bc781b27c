import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockEvent } from '../../src/sim/block-events.js';
import { hashesOf, IdSequence } from '../../src/sim/block-sequence.js';
import { VirtualClock } from '../../src/sim/clock.js';
import { Engine, type EngineOptions } from '../../src/sim/engine.js';
import type { RequestListener } from '../../src/sim/engine-request.js';
import type { StepLoad } from '../../src/sim/step-cost.js';
import { timingOf } from '../../src/sim/timing.js';
import { runSeed, seededRandom } from '../support/random.js';

const BLOCK = 16;
const STEP_US = 1000;

interface Setup {
  readonly clock: VirtualClock;
  readonly engine: Engine;
  /** Load of every step. */
  readonly loads: StepLoad[];
  /** Events of every step that had any. */
  readonly batches: (readonly BlockEvent[])[];
}

function setUp(options: Partial<EngineOptions> = {}): Setup {
  const clock = new VirtualClock();
  const loads: StepLoad[] = [];
  const batches: (readonly BlockEvent[])[] = [];
  const engine = new Engine(
    {
      blockSizeTokens: BLOCK,
      usableBlocks: 100,
      maxNumSeqs: 8,
      maxNumBatchedTokens: 64,
      arrivalUs: 0,
      generatedBlocks: 'cached',
      cost: (load) => {
        loads.push({ ...load });
        return STEP_US;
      },
      ...options,
    },
    clock,
    (events) => batches.push(events),
  );
  return { clock, engine, loads, batches };
}

/** Work whose block ids are first, first + 1, ... */
function work(first: number, promptTokens: number, outputTokens: number) {
  const ids = BigUint64Array.from({ length: Math.floor(promptTokens / BLOCK) }, (_, i) =>
    BigInt(first + i),
  );
  return { sequence: new IdSequence(ids, promptTokens, BLOCK), promptTokens, outputTokens };
}

const silent: RequestListener = {};

test('a prompt beyond the token budget is computed in chunks, then tokens come one a step', () => {
  const { clock, engine, loads } = setUp();
  const tokens: number[] = [];
  let finishedUs = -1;
  engine.submit(work(1, 150, 3), {
    onToken: (_, nowUs) => tokens.push(nowUs),
    onFinish: (_, nowUs) => {
      finishedUs = nowUs;
    },
  });
  clock.run();
  assert.deepEqual(
    loads.map(({ prefillTokens, decodeSequences }) => [prefillTokens, decodeSequences]),
    [
      [64, 0],
      [64, 0],
      [22, 0],
      [0, 1],
      [0, 1],
    ],
  );
  assert.deepEqual(
    loads.map(({ prefillAttention }) => prefillAttention),
    [64 * 32, 64 * 96, 22 * 139, 0, 0],
  );
  assert.deepEqual(
    loads.slice(3).map(({ decodeContextTokens }) => decodeContextTokens),
    [150, 151],
  );
  assert.deepEqual([tokens, finishedUs], [[3000, 4000, 5000], 5000]);
  assert.deepEqual([engine.runningRequests, engine.waitingRequests, engine.cacheUsage], [0, 0, 0]);
});

test('running requests come first, new ones share what is left of the budget', () => {
  const { clock, engine, loads } = setUp();
  engine.submit(work(1, 32, 5), silent);
  clock.run(STEP_US);
  engine.submit(work(100, 100, 1), silent);
  clock.run();
  assert.deepEqual(
    loads.map(({ prefillTokens, decodeSequences }) => [prefillTokens, decodeSequences]),
    [
      [32, 0],
      [0, 1],
      [63, 1],
      [37, 1],
      [0, 1],
    ],
  );
});

test('no more sequences run than allowed, the others wait in order', () => {
  const { clock, engine } = setUp({ maxNumSeqs: 2 });
  const order: number[] = [];
  for (let i = 0; i < 4; i += 1) {
    engine.submit(work(i * 100, 16, 2), { onFinish: () => order.push(i) });
  }
  clock.run(STEP_US);
  assert.deepEqual([engine.runningRequests, engine.waitingRequests], [2, 2]);
  clock.run();
  assert.deepEqual(order, [0, 1, 2, 3]);
});

test('a cached prefix is not computed again, but the last token always is', () => {
  const { clock, engine, loads } = setUp();
  const cached = (promptTokens: number) => {
    const request = engine.submit(work(1, promptTokens, 1), silent);
    clock.run();
    return request.cachedTokens;
  };
  assert.deepEqual(
    [cached(64), cached(64), cached(63), cached(65), cached(15)],
    [0, 48, 48, 64, 0],
  );
  assert.deepEqual(
    loads.map(({ prefillTokens }) => prefillTokens),
    [64, 16, 15, 1, 15],
  );
  assert.equal(engine.totals.prefixHitTokens, 160);
  assert.equal(engine.totals.prefixQueryTokens, 64 + 64 + 63 + 65 + 15);
});

test('a request that skips the cache fills it all the same, and is not counted', () => {
  const { clock, engine } = setUp();
  engine.submit({ ...work(1, 48, 1), skipsCacheRead: true }, silent);
  clock.run();
  const again = engine.submit({ ...work(1, 48, 1), skipsCacheRead: true }, silent);
  clock.run();
  const reader = engine.submit(work(1, 48, 1), silent);
  clock.run();
  assert.deepEqual([again.cachedTokens, reader.cachedTokens], [0, 32]);
  assert.equal(engine.totals.prefixQueryTokens, 48);
});

test('blocks are visible in the step that computes them', () => {
  const { clock, engine, loads } = setUp({ maxNumBatchedTokens: 1000 });
  engine.submit(work(1, 50, 1), silent);
  const second = engine.submit(work(1, 50, 1), silent);
  clock.run();
  assert.equal(second.cachedTokens, 48);
  assert.deepEqual([loads.length, loads[0]?.prefillTokens], [1, 52]);
});

test('each chunk that fills blocks is one stored event, generated blocks included', () => {
  const { clock, engine, batches } = setUp();
  const request = work(1, 100, 30);
  engine.submit(request, silent);
  clock.run();
  const ranges = batches.map((events) =>
    events.map((event) => (event.kind === 'stored' ? [event.from, event.to] : event.kind)),
  );
  // 100 tokens are 6 blocks; 129 tokens are computed in all, the last one is only generated.
  assert.deepEqual(ranges, [[[0, 4]], [[4, 6]], [[6, 7]], [[7, 8]]]);
  const hashes = hashesOf(request.sequence, 0, 8);
  assert.deepEqual([...hashes.subarray(0, 6)], [1n, 2n, 3n, 4n, 5n, 6n]);
  assert.ok((hashes[6] ?? 0n) >> 63n === 1n && hashes[6] !== hashes[7]);
  assert.deepEqual(engine.blockHashes(), new Set(hashes));
});

test('generated blocks can be discarded, and their room is used first', () => {
  const { clock, engine } = setUp({ generatedBlocks: 'discarded', usableBlocks: 6 });
  engine.submit(work(1, 32, 40), silent);
  clock.run();
  assert.deepEqual(engine.blockHashes(), new Set([1n, 2n]));
  engine.submit(work(10, 64, 1), silent);
  clock.run();
  assert.deepEqual(engine.blockHashes(), new Set([1n, 2n, 10n, 11n, 12n, 13n]));
});

test('without free blocks the last request is preempted and computed anew', () => {
  const { clock, engine, loads } = setUp({ usableBlocks: 8, maxNumBatchedTokens: 1000 });
  const finished: string[] = [];
  const submit = (name: string, first: number) =>
    engine.submit(work(first, 60, 20), { onFinish: () => finished.push(name) });
  const a = submit('a', 1);
  const b = submit('b', 100);
  // 4 blocks each; the fifth of `a` needs one of `b`.
  clock.run(6 * STEP_US);
  assert.deepEqual([engine.runningRequests, engine.waitingRequests], [1, 1]);
  assert.deepEqual([a.preemptions, b.preemptions, b.outputCount], [0, 1, 5]);
  clock.run();
  assert.deepEqual(finished, ['a', 'b']);
  assert.deepEqual([a.outputCount, b.outputCount, b.cachedTokens], [20, 20, 0]);
  assert.equal(engine.totals.preemptions, 1);
  // `b` comes back with 65 tokens; the first block of its old ones was not evicted.
  const recomputed = loads.filter(({ prefillTokens }) => prefillTokens > 0)[1];
  assert.equal(recomputed?.prefillTokens, 65 - 48);
});

test('no request is admitted in a step that preempted', () => {
  const { clock, engine, loads } = setUp({ usableBlocks: 8, maxNumBatchedTokens: 1000 });
  engine.submit(work(1, 60, 20), silent);
  engine.submit(work(100, 60, 20), silent);
  clock.run(5.5 * STEP_US);
  engine.submit(work(200, 1, 1), silent);
  const before = loads.length;
  clock.run(6.5 * STEP_US);
  assert.equal(engine.totals.preemptions, 1);
  assert.deepEqual([loads.length - before, loads.at(-1)?.prefillTokens], [1, 0]);
  // Nor before the preempted one, which is the first of the queue.
  assert.equal(engine.waitingRequests, 2);
  clock.run();
  assert.equal(engine.waitingRequests, 0);
});

test('an abort frees the blocks and ends the callbacks, wherever the request is', () => {
  const { clock, engine } = setUp({ arrivalUs: 500, maxNumSeqs: 1 });
  let calls = 0;
  const listener: RequestListener = {
    onToken: () => {
      calls += 1;
    },
  };
  const running = engine.submit(work(1, 32, 100), listener);
  const waiting = engine.submit(work(100, 32, 100), listener);
  clock.run(2000);
  const arriving = engine.submit(work(200, 32, 100), listener);
  assert.deepEqual(
    [running.state, waiting.state, arriving.state],
    ['running', 'waiting', 'arriving'],
  );
  const callsBefore = calls;
  for (const request of [running, waiting, arriving]) engine.abort(request);
  engine.abort(running);
  clock.run();
  assert.equal(calls, callsBefore);
  assert.deepEqual([engine.cacheUsage, engine.runningRequests, engine.waitingRequests], [0, 0, 0]);
});

test('a listener may abort and submit', () => {
  const { clock, engine } = setUp();
  const seen: string[] = [];
  const first = engine.submit(work(1, 16, 10), {
    onToken: (request) => {
      seen.push(`first ${request.outputCount}`);
      if (request.outputCount !== 2) return;
      engine.abort(request);
      engine.submit(work(1, 32, 1), { onFinish: () => seen.push('second') });
    },
  });
  clock.run();
  assert.deepEqual(seen, ['first 1', 'first 2', 'second']);
  assert.equal(first.state, 'aborted');
  assert.equal(engine.cacheUsage, 0);
});

test('a reset fails while requests run, unless they are put back first', () => {
  const { clock, engine, batches } = setUp();
  assert.equal(engine.resetCache(false), true);
  engine.submit(work(1, 32, 3), {
    onToken: (request) => {
      if (request.outputCount === 1) {
        assert.equal(engine.resetCache(false), false);
        assert.equal(engine.resetCache(true), true);
      }
    },
  });
  clock.run();
  const kinds = batches.map((events) => events.map(({ kind }) => kind));
  // The events of a reset come with the next step.
  assert.deepEqual(kinds, [
    ['cleared', 'stored'],
    ['cleared', 'stored'],
  ]);
});

test('a paused engine computes nothing until it resumes', () => {
  const { clock, engine } = setUp();
  engine.pause();
  const request = engine.submit(work(1, 16, 1), silent);
  clock.run();
  assert.deepEqual([engine.isPaused, request.state], [true, 'waiting']);
  engine.resume();
  clock.run();
  assert.equal(request.state, 'finished');
});

test('a restart loses every request and the whole cache, silently', () => {
  const { clock, engine, batches } = setUp({ maxNumSeqs: 1, arrivalUs: 10 });
  const lost: string[] = [];
  const submit = (name: string) =>
    engine.submit(work(1, 64, 50), {
      onToken: () => {},
      onLost: () => lost.push(name),
      onFinish: () => lost.push(`${name} finished`),
    });
  submit('running');
  submit('waiting');
  clock.run(3.5 * STEP_US);
  submit('arriving');
  batches.length = 0;
  engine.restart();
  clock.run();
  assert.deepEqual(lost, ['running', 'waiting', 'arriving']);
  assert.deepEqual([batches.length, engine.blockHashes().size, engine.cacheUsage], [0, 0, 0]);
  const after = engine.submit(work(1, 64, 1), silent);
  clock.run();
  assert.deepEqual([after.state, after.cachedTokens], ['finished', 0]);
});

test('what the front end has done with a request already is part of its time', () => {
  const { clock, engine } = setUp({ arrivalUs: 10_000 });
  const tokens: [string, number][] = [];
  const note = (name: string): RequestListener => ({
    onToken: (_, nowUs) => tokens.push([name, nowUs]),
  });
  clock.run(5000);
  engine.submit(work(1, 20, 1), note('received 4 ms ago'), 1000);
  const slow = engine.submit(work(101, 20, 1), note('received 20 ms ago'), -15_000);
  engine.submit(work(201, 20, 1), note('received now'));
  clock.run();
  assert.deepEqual(tokens, [
    ['received 20 ms ago', 5000 + STEP_US],
    ['received 4 ms ago', 11_000 + STEP_US],
    ['received now', 15_000 + STEP_US],
  ]);
  assert.equal(slow.submittedUs, -15_000);
});

test('work that can never fit is refused', () => {
  const { engine } = setUp({ usableBlocks: 2 });
  assert.throws(() => engine.submit(work(1, 30, 3), silent), /cannot serve 30 \+ 3 tokens/);
  assert.throws(() => engine.submit(work(1, 0, 3), silent), RangeError);
  assert.throws(() => new IdSequence(new BigUint64Array(1), 32, BLOCK), /2 full blocks/);
});

test(`a busy engine serves everyone, leaks no block, repeats exactly (seed ${runSeed})`, () => {
  const run = () => {
    const random = seededRandom(runSeed);
    const { cost } = timingOf('qwen2.5-7b-h100');
    const { clock, engine, batches } = setUp({ usableBlocks: 60, cost, maxNumBatchedTokens: 256 });
    const ends: string[] = [];
    const held = new Map<bigint, number>();
    for (let i = 0; i < 300; i += 1) {
      const first = Math.floor(random() * 8) * 1000;
      const [prompt, output] = [1 + Math.floor(random() * 400), 1 + Math.floor(random() * 40)];
      clock.at(random() * 5e6, () => {
        const request = engine.submit(work(first, prompt, output), {
          onFinish: ({ outputCount }, nowUs) => {
            assert.equal(outputCount, output);
            ends.push(`${i}@${nowUs}`);
          },
        });
        if (i % 10 === 0) clock.at(clock.nowUs() + 30_000, () => engine.abort(request));
      });
    }
    clock.run();
    for (const event of batches.flat()) {
      if (event.kind === 'cleared') continue;
      const stored = event.kind === 'stored';
      const hashes = stored ? hashesOf(event.sequence, event.from, event.to) : event.hashes;
      for (const hash of hashes) {
        const copies = (held.get(hash) ?? 0) + (stored ? 1 : -1);
        assert.ok(copies >= 0);
        if (copies === 0) held.delete(hash);
        else held.set(hash, copies);
      }
    }
    // An index that counts copies agrees with the pool.
    assert.deepEqual(new Set(held.keys()), engine.blockHashes());
    assert.equal(engine.cacheUsage, 0);
    assert.ok(ends.length >= 270);
    assert.ok(engine.totals.preemptions > 0);
    return ends;
  };
  assert.deepEqual(run(), run());
});
