import assert from 'node:assert/strict';
import test from 'node:test';
import { FairQueue } from '../../src/router/fair-queue.js';
import { seededIntegers } from '../support/random.js';

interface Entry {
  readonly owner: string;
  readonly priority: number;
  readonly name: string;
}

const entry = (name: string, owner: string, priority = 0): Entry => ({ name, owner, priority });

function drain(queue: FairQueue<Entry>): string[] {
  const names: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) names.push(next.name);
  return names;
}

test('owners take turns, whoever has more', () => {
  const queue = new FairQueue<Entry>();
  for (const name of ['a1', 'a2', 'a3', 'a4']) queue.push(entry(name, 'a'));
  queue.push(entry('b1', 'b'));
  queue.push(entry('c1', 'c'));
  queue.push(entry('b2', 'b'));
  assert.equal(queue.size, 7);
  assert.deepEqual(drain(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  assert.equal(queue.size, 0);
});

test('a lower priority comes first, and owners take turns within one', () => {
  const queue = new FairQueue<Entry>();
  queue.push(entry('later', 'a', 5));
  queue.push(entry('a1', 'a'));
  queue.push(entry('a2', 'a'));
  queue.push(entry('b1', 'b'));
  queue.push(entry('first', 'b', -1));
  assert.deepEqual(drain(queue), ['first', 'a1', 'b1', 'a2', 'later']);
});

test('entries come out once, or not at all when they are taken out', () => {
  const seed = Date.now() % 1e6;
  const below = seededIntegers(seed);
  const queue = new FairQueue<Entry>();
  const inside = new Set<Entry>();
  for (let i = 0; i < 3000; i++) {
    const roll = below(10);
    if (roll < 5) {
      const owner = String(below(5));
      const added = entry(`${i}`, owner, below(3));
      queue.push(added);
      inside.add(added);
    } else if (roll < 7) {
      const some = [...inside][below(inside.size + 1)] ?? entry('none', 'x');
      queue.remove(some);
      queue.remove(some);
      inside.delete(some);
    } else {
      const next = queue.shift();
      const lowest = Math.min(...[...inside].map(({ priority }) => priority));
      if (next === undefined) assert.equal(inside.size, 0, `seed ${seed}`);
      else {
        assert.equal(next.priority, lowest, `seed ${seed}`);
        assert.ok(inside.delete(next), `seed ${seed}`);
      }
    }
    assert.equal(queue.size, inside.size, `seed ${seed}`);
  }
});
