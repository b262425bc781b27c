import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { PeerClient } from '../../src/replica/peer-client.js';

const TLS = new URL('../../../test/vectors/tls/', import.meta.url);
const pem = (name: string) => readFileSync(new URL(name, TLS), 'utf8');

test('a peer at an address is asked for under the name of its service', async (t) => {
  const heard: unknown[] = [];
  const server = createServer({ key: pem('localhost.key'), cert: pem('localhost.crt') });
  server.on('request', (request, response) => {
    const { host, authorization } = request.headers;
    heard.push(host, authorization);
    response.end('{"instance":"x"}');
  });
  server.on('secureConnection', ({ servername }) => heard.push(servername));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new PeerClient(() => 'the-key', pem('localhost.crt'));
  const stranger = new PeerClient(() => 'the-key', null);
  t.after(async () => {
    await Promise.all([client.close(), stranger.close()]);
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const peer = { url: `https://127.0.0.1:${port}`, host: `localhost:${port}` };
  assert.deepEqual(await client.load(peer, 5000), { instance: 'x' });
  assert.deepEqual(heard, ['localhost', peer.host, 'Bearer the-key']);
  // The key is for whom the CA vouches, and for nobody else.
  await assert.rejects(stranger.load(peer, 5000));
  assert.equal(heard.length, 3);
});
