// The hop under abuse that takes more than one request to show; the rest is in abuse-cases.test.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ForwardingServer, forwardingServer } from '../support/forwarding-server.js';
import { IMPLEMENTATIONS } from '../support/http-servers.js';
import { seededIntegers } from '../support/random.js';
import { exchangeRaw, rawClient } from '../support/raw-client.js';
import { type ScriptedEngine, scriptedEngine, wholeResponse } from '../support/scripted-engine.js';
import { waitFor } from '../support/wait-for.js';

const POST = 'POST /v1/completions HTTP/1.1\r\nhost: x\r\n';
const VALID = `${POST}content-type: application/json\r\ncontent-length: 14\r\n\r\n{"prompt":"a"}`;

/** A hop in front of an engine that answers everything. */
async function abused(implementation: (typeof IMPLEMENTATIONS)[number]) {
  const engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('ok')));
  const hop = await forwardingServer(implementation, () => engine.url);
  return {
    engine,
    hop,
    [Symbol.asyncDispose]: async () => {
      await hop[Symbol.asyncDispose]();
      engine[Symbol.dispose]();
    },
  };
}

/** The server still works, holds nothing, and the engine got no request it did not understand. */
async function assertUnharmed(hop: ForwardingServer, engine: ScriptedEngine): Promise<void> {
  const client = await rawClient(hop.port);
  const response = await exchangeRaw(client, VALID);
  assert.equal(response.status, 200);
  client.socket.destroy();
  await waitFor('the exchanges to end', () => hop.openExchanges === 0);
  for (const { head } of engine.requests) {
    assert.match(head, /^[A-Z]+ \/[^ ]* HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nconnection: /);
    assert.ok((head.match(/^content-length:/gim) ?? []).length <= 1);
    assert.doesNotMatch(head, /^transfer-encoding:/im);
  }
}

for (const implementation of IMPLEMENTATIONS) {
  describe(`abuse of ${implementation}`, () => {
    test('a head of 32 KiB, as with a large token, passes', async () => {
      await using own = await abused(implementation);
      const client = await rawClient(own.hop.port);
      const token = 't'.repeat(32 * 1024);
      const response = await exchangeRaw(
        client,
        `GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
      );
      assert.equal(response.status, 200);
      assert.ok(own.engine.requests[0]?.head.includes(token));
      client.socket.destroy();
    });

    test('odd methods and targets are passed on as they are or refused', async () => {
      await using own = await abused(implementation);
      const targets = ['//evil/../x', '/../../etc/passwd', '/%00', '/a%2f..%2fb', '/;x', '/?'];
      for (const target of targets) {
        const client = await rawClient(own.hop.port);
        const response = await exchangeRaw(client, `GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`);
        assert.equal(response.status, 200);
        const line = own.engine.requests.at(-1)?.head.split('\r\n')[0];
        assert.equal(line, `GET ${target.replace(/\?$/, '')} HTTP/1.1`);
        client.socket.destroy();
      }
      const passed = own.engine.requests.length;
      for (const line of [
        'GET http://evil/x HTTP/1.1',
        'OPTIONS * HTTP/1.1',
        'CONNECT evil:443 HTTP/1.1',
        'GET no-slash HTTP/1.1',
        'GET /a b HTTP/1.1',
        'GET / HTTP/9.9',
      ]) {
        const client = await rawClient(own.hop.port);
        client.send(`${line}\r\nhost: x\r\n\r\n`);
        await client.until((text) => text.includes('\r\n\r\n'));
        assert.match(client.received(), /^(HTTP\/1\.1 (400|505) |$)/, line);
        client.socket.destroy();
      }
      assert.equal(own.engine.requests.length, passed);
      await assertUnharmed(own.hop, own.engine);
    });

    test('bytes that are no UTF-8 pass in a body, and are no way through in a URL', async () => {
      await using own = await abused(implementation);
      const client = await rawClient(own.hop.port);
      await exchangeRaw(client, `${POST}content-length: 4\r\n\r\n\xff\xfe\0\xc3`);
      assert.equal(own.engine.requests[0]?.body.toString('latin1'), '\xff\xfe\0\xc3');
      client.send('GET /\xff?\xc3 HTTP/1.1\r\nhost: x\r\n\r\n');
      await client.until((text) => text.includes(' 400 '));
      assert.match(client.received(), /HTTP\/1\.1 400 /);
      client.socket.destroy();
      await assertUnharmed(own.hop, own.engine);
    });

    test('a client may leave after any byte of its request', async () => {
      await using own = await abused(implementation);
      for (let length = 0; length <= VALID.length; length += 3) {
        const client = await rawClient(own.hop.port);
        client.send(VALID.slice(0, length));
        if (length % 2 === 0) client.socket.end();
        else client.socket.resetAndDestroy();
        await client.closed();
      }
      await assertUnharmed(own.hop, own.engine);
    });

    test('pipelined requests are answered in order or cut off, never mixed', async () => {
      await using own = await abused(implementation);
      const client = await rawClient(own.hop.port);
      client.send(VALID.repeat(5));
      // uWebSockets.js ends a connection whose second request comes before the first response.
      await client.until((text) => (text.match(/HTTP\/1\.1/g) ?? []).length === 5);
      assert.match(client.received(), /^(HTTP\/1\.1 200 OK\r\n.*?\r\n\r\nok)*$/s);
      client.socket.destroy();
      await assertUnharmed(own.hop, own.engine);
    });

    test('one connection carries a thousand requests of every size', async () => {
      await using own = await abused(implementation);
      const client = await rawClient(own.hop.port);
      for (let i = 0; i < 1000; i++) {
        const body = 'x'.repeat((i * 37) % 3000);
        const response = await exchangeRaw(
          client,
          `${POST}content-length: ${body.length}\r\n\r\n${body}`,
        );
        assert.equal(response.status, 200);
      }
      assert.equal(own.engine.requests.length, 1000);
      client.socket.destroy();
    });

    test('mutated requests do no harm', async (context) => {
      const seed = Date.now() % 1_000_000;
      context.diagnostic(`seed ${seed}`);
      const random = seededIntegers(seed);
      await using own = await abused(implementation);
      for (let round = 0; round < 300; round++) {
        const bytes = Buffer.from(VALID + VALID, 'latin1');
        for (let edits = 1 + random(4); edits > 0; edits--) {
          const at = random(bytes.length);
          if (random(3) === 0) bytes.copy(bytes, at, random(bytes.length));
          else bytes[at] = random(256);
        }
        const client = await rawClient(own.hop.port);
        client.send(bytes.subarray(0, 1 + random(bytes.length)));
        client.socket.end();
        await client.closed();
      }
      await assertUnharmed(own.hop, own.engine);
    });
  });
}

// The servers' own deadlines, 10 s in steps of up to 4 s; all at once, since they are slow.
test('slow clients are cut off: no bytes, a dripping head, a missing body', async () => {
  const start = performance.now();
  const tried = IMPLEMENTATIONS.map(async (implementation) => {
    await using own = await abused(implementation);
    const silent = await rawClient(own.hop.port);
    const head = await rawClient(own.hop.port);
    head.send('GET / HTTP/1.1\r\nhost: ');
    const drip = setInterval(() => head.send('x'), 300);
    const body = await rawClient(own.hop.port);
    body.send(`${POST}content-length: 10\r\n\r\nab`);
    // node:http gives a silent connection and a body more time.
    const cutOff = implementation === 'uwebsockets' ? [silent, head, body] : [head];
    await Promise.all(cutOff.map((client) => client.closed()));
    clearInterval(drip);
    assert.equal(own.engine.requests.length, 0);
    silent.socket.destroy();
    body.socket.destroy();
    await assertUnharmed(own.hop, own.engine);
  });
  await Promise.all(tried);
  assert.ok(performance.now() - start < 15_000);
});
