import assert from 'node:assert/strict';
import test from 'node:test';
import { drained } from '../../src/cli/drain.js';
import { setLogLevel } from '../../src/log.js';
import { serve } from '../support/http-servers.js';
import { exchangeRaw, rawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';

const ASK = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

test('a client with an idle connection may ask once more, and is told to close', async () => {
  using served = await serve('uwebsockets', (exchange) => exchange.respond(200, [], 'ok'));
  const client = await rawClient(served.port);
  await exchangeRaw(client, ASK);
  served.server.stopAccepting();
  let isDrained = false;
  const drain = drained(served.server, 10_000).then(() => {
    isDrained = true;
  });
  const { headers } = await exchangeRaw(client, ASK);
  assert.ok(headers.some(([name, value]) => name === 'connection' && value === 'close'));
  assert.equal(isDrained, false);
  await client.closed();
  await drain;
});

test('a client that asks nothing holds a drain up for a second, and nobody for none', async () => {
  using served = await serve('uwebsockets', () => {});
  const quick = performance.now();
  await drained(served.server, 10_000);
  assert.ok(performance.now() - quick < 500);
  const client = await rawClient(served.port);
  await waitFor('the connection', () => served.server.openConnections === 1);
  const slow = performance.now();
  await drained(served.server, 10_000);
  assert.ok(performance.now() - slow >= 1000);
  client.socket.destroy();
});

test('a request holds a drain up until the grace is over', async () => {
  setLogLevel('error');
  using served = await serve('uwebsockets', () => {});
  const client = await rawClient(served.port);
  client.send(ASK);
  await waitFor('the request', () => served.server.openExchanges === 1);
  const start = performance.now();
  await drained(served.server, 1200);
  assert.ok(performance.now() - start >= 1200);
  client.socket.destroy();
});
