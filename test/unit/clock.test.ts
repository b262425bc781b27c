import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../src/sim/clock.js';
import { runSeed, seededRandom } from '../support/random.js';

test('virtual time jumps from event to event; equal times keep their order', () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const note = (name: string) => () => seen.push(`${name}@${clock.nowUs()}`);
  clock.at(20, note('c'));
  clock.at(10, note('a'));
  clock.at(10, note('b'));
  clock.at(10, () => clock.at(5, note('past')));
  clock.run();
  assert.deepEqual(seen, ['a@10', 'b@10', 'past@10', 'c@20']);
});

test('a bounded run stops at its bound and goes on later', () => {
  const clock = new VirtualClock();
  let fired = 0;
  for (const timeUs of [1, 2, 3]) {
    clock.at(timeUs, () => {
      fired += 1;
    });
  }
  clock.run(2.5);
  assert.deepEqual([fired, clock.nowUs()], [2, 2.5]);
  clock.run();
  assert.deepEqual([fired, clock.nowUs()], [3, 3]);
});

test(`many virtual events come in order of time (seed ${runSeed})`, () => {
  const random = seededRandom(runSeed);
  const clock = new VirtualClock();
  const times: number[] = [];
  const schedule = (left: number) => {
    clock.at(clock.nowUs() + Math.floor(random() * 50), () => {
      times.push(clock.nowUs());
      if (left > 0) for (let i = random() < 0.5 ? 1 : 2; i > 0; i -= 1) schedule(left - 1);
    });
  };
  for (let i = 0; i < 20; i += 1) schedule(8);
  clock.run();
  assert.ok(times.length > 200);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});
