import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HashSettings, hashUnitOf, settingsKey } from '../../src/prefix/hash-settings.js';

const settings: HashSettings = {
  algorithm: 'sha256_cbor',
  rootHex: '00'.repeat(32),
  rootName: 'seed "42"',
  blockSizeTokens: 64,
  profile: 'main-2026-08-17',
};

test('settings are equal when they hash alike, whatever the root is called', () => {
  assert.equal(settingsKey(settings), settingsKey({ ...settings, rootName: 'given root' }));
  assert.equal(settingsKey(settings), settingsKey({ ...settings, hashUnitTokens: 64 }));
  assert.notEqual(settingsKey(settings), settingsKey({ ...settings, hashUnitTokens: 16 }));
  assert.notEqual(settingsKey(settings), settingsKey({ ...settings, algorithm: 'sha256' }));
  assert.notEqual(settingsKey(settings), settingsKey({ ...settings, profile: 'pre-2026-03-20' }));
});

test('the hash unit is the block unless it is given', () => {
  assert.equal(hashUnitOf(settings), 64);
  assert.equal(hashUnitOf({ ...settings, hashUnitTokens: 16 }), 16);
});
