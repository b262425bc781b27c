import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import test from 'node:test';
import { PeerList } from '../../src/replica/peer-list.js';

test('a name means all its addresses, and an address itself', async () => {
  const urls = ['http://localhost:9090', 'http://10.0.0.1:9090', 'https://localhost:9443'];
  const found = await new PeerList(urls, 0).resolve();
  const hostAt = (wanted: string) => found.find(({ url }) => url === wanted)?.host;
  assert.equal(hostAt('http://127.0.0.1:9090'), null, JSON.stringify(found));
  assert.equal(hostAt('http://10.0.0.1:9090'), null);
  assert.equal(hostAt('https://127.0.0.1:9443'), 'localhost:9443', 'its certificate has the name');
});

test('a name that nobody has yet means no peer', async () => {
  assert.deepEqual(await new PeerList(['http://warmpath-peers.invalid:9090'], 9090).resolve(), []);
});

test('a router is not its own peer', async () => {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ scopeid }) => scopeid === undefined || scopeid === 0)
    .map(({ address, family }) => `http://${family === 'IPv6' ? `[${address}]` : address}:9090`);
  const list = new PeerList([...own, 'http://10.255.0.1:9090', 'http://127.0.0.1:9091'], 9090);
  const urls = (await list.resolve()).map(({ url }) => url);
  assert.deepEqual(urls, ['http://10.255.0.1:9090', 'http://127.0.0.1:9091']);
});
