import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../src/sim/clock.js';
import { virtualTimers } from '../../src/sim/virtual-timers.js';
import { runSeed, seededRandom } from '../support/random.js';

test(`virtual timers ring when they are due unless they were stopped (seed ${runSeed})`, () => {
  const random = seededRandom(runSeed);
  const clock = new VirtualClock();
  const after = virtualTimers(clock);
  const rung: string[] = [];
  const expected: string[] = [];
  const startAt = (startMs: number, name: number) =>
    clock.at(startMs * 1000, () => {
      const ms = random() < 0.5 ? 60 : 1000;
      const dueMs = startMs + ms;
      const stop = after(ms, () => rung.push(`${name}@${clock.nowUs() / 1000}`));
      const stopsMs = startMs + Math.floor(random() * 2000);
      if (stopsMs >= dueMs) expected.push(`${name}@${dueMs}`);
      else clock.at(stopsMs * 1000, stop);
    });
  for (let name = 0; name < 500; name += 1) startAt(Math.floor(random() * 5000), name);
  clock.run();
  assert.ok(rung.length > 100 && rung.length < 500);
  assert.deepEqual(rung.toSorted(), expected.toSorted());
  const times = rung.map((text) => Number(text.split('@')[1]));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test('a timer that starts another of its kind while it rings does not lose it', () => {
  const clock = new VirtualClock();
  const after = virtualTimers(clock);
  const rung: number[] = [];
  const ring = () => {
    rung.push(clock.nowUs());
    if (rung.length < 4) after(5, ring);
  };
  after(5, ring);
  clock.run();
  assert.deepEqual(rung, [5000, 10_000, 15_000, 20_000]);
});
