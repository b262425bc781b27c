import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HistoryLimits, RoutingHistory } from '../../src/prefix/routing-history.js';
import { runSeed, seededRandom } from '../support/random.js';

const chain = (prefix: number, blocks: number) =>
  BigUint64Array.from({ length: blocks }, (_, i) => (BigInt(prefix) << 32n) + BigInt(i + 1));

function start(limits: Partial<HistoryLimits> = {}) {
  const clock = { nowMs: 1_000_000 };
  const history = new RoutingHistory(() => clock.nowMs, limits);
  const blocks = (slot: number, hashes: BigUint64Array) => {
    const triples = history.match(hashes);
    for (let i = 0; i < triples.length; i += 3) if (triples[i] === slot) return triples[i + 1];
    return 0;
  };
  return { clock, history, blocks };
}

test('a prompt is expected where it was sent, as far as it is the same', () => {
  const { history, blocks } = start();
  history.record(3, chain(1, 10), null);
  assert.equal(blocks(3, chain(1, 6)), 6);
  assert.equal(blocks(3, chain(1, 12)), 10);
  assert.equal(blocks(4, chain(1, 12)), 0);
  assert.equal(blocks(3, chain(2, 12)), 0);
});

test('the prompt not used for longest goes first when the engine is full', () => {
  const { history, blocks } = start();
  history.record(0, chain(1, 40), 100);
  history.record(0, chain(2, 40), 100);
  history.record(0, chain(1, 40), 100);
  history.record(0, chain(3, 40), 100);
  assert.deepEqual(
    [1, 2, 3].map((prefix) => blocks(0, chain(prefix, 40))),
    [40, 0, 40],
  );
});

test('a prompt longer than the cache leaves nothing', () => {
  const { history, blocks } = start();
  history.record(0, chain(1, 101), 100);
  assert.equal(blocks(0, chain(1, 101)), 0);
  assert.equal(history.size, 0);
});

test('what is not sent again within its lifetime is forgotten', () => {
  const { history, blocks, clock } = start({ lifetimeMs: 60_000 });
  history.record(0, chain(1, 5), null);
  clock.nowMs += 40_000;
  history.record(0, chain(2, 5), null);
  clock.nowMs += 40_000;
  assert.deepEqual(
    [1, 2].map((prefix) => blocks(0, chain(prefix, 5))),
    [0, 5],
  );
  clock.nowMs += 40_000;
  assert.equal(blocks(0, chain(2, 5)), 0);
  assert.ok(history.isEmpty);
});

test('an endpoint is forgotten without touching others', () => {
  const { history, blocks } = start();
  history.record(0, chain(1, 5), null);
  history.record(1, chain(1, 5), null);
  history.forget(0);
  history.forget(7);
  assert.equal(blocks(0, chain(1, 5)), 0);
  assert.equal(blocks(1, chain(1, 5)), 5);
  history.record(0, chain(1, 2), null);
  assert.equal(blocks(0, chain(1, 5)), 2);
});

test('memory is bounded however often one prompt comes, and over all endpoints', () => {
  const { history, blocks } = start({ hashesMax: 2000 });
  for (let i = 0; i < 1000; i += 1) history.record(0, chain(1, 50), 100);
  assert.ok(history.size <= 400, `${history.size}`);
  assert.equal(blocks(0, chain(1, 50)), 50);
  for (let slot = 1; slot < 100; slot += 1) {
    for (let prefix = 0; prefix < 5; prefix += 1) history.record(slot, chain(prefix, 20), 100);
  }
  assert.ok(history.size <= 2000, `${history.size}`);
});

test('it remembers what a plain list of the last prompts would', () => {
  const random = seededRandom(runSeed);
  const { history, blocks } = start();
  const capacity = 60;
  const sent: { prefix: number; length: number }[] = [];
  for (let step = 0; step < 2000; step += 1) {
    const prefix = Math.floor(random() * 12);
    const length = 1 + Math.floor(random() * 20);
    history.record(0, chain(prefix, length), capacity);
    sent.push({ prefix, length });
    const held = () => {
      const longest = new Map<number, number>();
      for (const one of sent) {
        longest.set(one.prefix, Math.max(longest.get(one.prefix) ?? 0, one.length));
      }
      return longest;
    };
    const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, one) => total + one, 0);
    while (sum(held().values()) > capacity || sum(sent.map((one) => one.length)) > 4 * capacity) {
      sent.shift();
    }
    const probe = Math.floor(random() * 12);
    assert.equal(blocks(0, chain(probe, 30)), held().get(probe) ?? 0, `seed ${runSeed}`);
  }
});
