import assert from 'node:assert/strict';
import test from 'node:test';
import { ownChain } from '../../src/prefix/own-chain.js';
import { snapshotModels } from '../../src/router/match-models.js';

const facts = (name: string) => ({
  name,
  aliases: [],
  loraAdapters: [],
  tokenizer: '/t',
  maxModelLen: null,
});

test('a request is hashed once for each distinct settings of its model', () => {
  const snapshot = snapshotModels(
    7,
    [facts('x'), facts('y')],
    [
      { epoch: 4, model: 'x', settings: ownChain(16) },
      { epoch: 5, model: 'y', settings: ownChain(16) },
      { epoch: 6, model: 'x', settings: ownChain(64) },
      { epoch: 7, model: 'x', settings: ownChain(16) },
    ],
  );
  const [x, y] = JSON.parse(snapshot.forPool.text);
  assert.deepEqual(
    x.hashSettings.map((settings: { blockSizeTokens: number }) => settings.blockSizeTokens),
    [16, 64],
  );
  assert.equal(y.hashSettings.length, 1);
  assert.deepEqual([4, 5, 6, 7].map(snapshot.settingsOf), [0, 0, 1, 0]);
  assert.equal(snapshot.settingsOf(8), undefined);
  assert.equal(snapshot.forPool.version, 7);
});
