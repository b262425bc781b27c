import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAdminKey, peerKey } from '../../src/access/admin-gate.js';
import { digestOf } from '../../src/config/key-file.js';

const DIGEST = digestOf('ops-1');

function asking(path: string, key: string | null) {
  const header = (name: string) =>
    name === 'authorization' && key !== null ? `Bearer ${key}` : undefined;
  return () => checkAdminKey({ path, header }, DIGEST);
}

test('a router with the same admin key may ask what routers tell each other, and nothing else', () => {
  asking('/peer/snapshot', peerKey(DIGEST))();
  asking('/peer/load', 'ops-1')();
  assert.throws(asking('/endpoints', peerKey(DIGEST)), /needs its key/);
  assert.throws(asking('/peer/snapshot', null), /needs its key/);
  assert.throws(asking('/peer/snapshot', peerKey(digestOf('ops-2'))), /needs its key/);
  assert.throws(asking('/peer/snapshot', DIGEST.toString('hex')), /needs its key/);
});

test('without an admin key everybody who reaches the port may ask', () => {
  checkAdminKey({ path: '/peer/snapshot', header: () => undefined }, null);
});
