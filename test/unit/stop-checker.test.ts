import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StopChecker } from '../../src/sim/stop-checker.js';
import { runSeed, seededRandom } from '../support/random.js';

/** Pushes the pieces until a stop string is met. */
function run(pieces: readonly string[], stops: readonly string[], includeStop = false) {
  const checker = new StopChecker(stops, includeStop);
  const texts: string[] = [];
  for (const [i, piece] of pieces.entries()) {
    const { text, stop } = checker.push(piece, i === pieces.length - 1);
    texts.push(text);
    if (stop !== null) return { texts, stop };
  }
  return { texts, stop: null };
}

test('without stop strings every piece passes at once', () => {
  assert.deepEqual(run(['a', 'b'], []), { texts: ['a', 'b'], stop: null });
});

test('what may become a stop string is held back until it is certain', () => {
  assert.deepEqual(run(['xS', 'T', 'yy', 'z'], ['STOP']), {
    texts: ['', '', 'xS', 'Tyyz'],
    stop: null,
  });
});

test('the text ends before the stop string, or after it when that is wanted', () => {
  const pieces = ['ab', 'cST', 'OPd', 'e'];
  assert.deepEqual(run(pieces, ['STOP']), { texts: ['', 'ab', 'c'], stop: 'STOP' });
  assert.deepEqual(run(pieces, ['STOP'], true), { texts: ['ab', 'cST', 'OP'], stop: 'STOP' });
});

test('the stop string that comes first in the text wins', () => {
  assert.deepEqual(run(['a--b++'], ['++', '--']), { texts: ['a'], stop: '--' });
});

test(`the pieces joined equal a cut of the whole text (seed ${runSeed})`, () => {
  const random = seededRandom(runSeed);
  const word = (longest: number) =>
    Array.from({ length: 1 + Math.floor(random() * longest) }, () =>
      random() < 0.5 ? 'a' : 'b',
    ).join('');
  for (let round = 0; round < 500; round += 1) {
    const pieces = Array.from({ length: 12 }, () => word(3));
    // Distinct words of one length: the first to begin is the first to end.
    const length = 2 + Math.floor(random() * 5);
    const stop = word(length).padEnd(length, 'a');
    const text = pieces.join('');
    const at = text.indexOf(stop);
    const result = run(pieces, [stop]);
    assert.equal(result.texts.join(''), at < 0 ? text : text.slice(0, at), `${text} / ${stop}`);
    assert.equal(result.stop, at < 0 ? null : stop);
  }
});
