// What an exchange gives of its request, on both servers.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { RouterError } from '../../src/errors.js';
import type { Exchange, HeaderList } from '../../src/http/exchange.js';
import { IMPLEMENTATIONS, serve } from '../support/http-servers.js';
import { exchangeRaw, rawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const MIB = 1024 * 1024;

/** Answers with the length and hash of the body, or with the error's code. */
async function answerBody(exchange: Exchange, limitBytes: number): Promise<void> {
  try {
    const body = await exchange.readBody(limitBytes);
    exchange.respond(200, [], `${body.length} ${sha256(body)}`);
  } catch (error) {
    assert.ok(error instanceof RouterError);
    exchange.respond(error.status, [], error.code);
  }
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

for (const implementation of IMPLEMENTATIONS) {
  describe(`exchange on ${implementation}: request`, () => {
    test('headers come in order, lower case, with duplicates and with their bytes', async () => {
      let headers: HeaderList = [];
      using served = await serve(implementation, (exchange) => {
        headers = exchange.headers;
        exchange.respond(200, [], exchange.header('x-one') ?? 'none');
      });
      const client = await rawClient(served.port);
      const response = await exchangeRaw(
        client,
        'GET / HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nX-Two: a \xc3\xa9 b\r\nx-one: 2\r\nX-Empty:\r\n\r\n',
      );
      assert.deepEqual(headers, [
        ['host', 'x'],
        ['x-one', '1'],
        ['x-two', 'a \xc3\xa9 b'],
        ['x-one', '2'],
        ['x-empty', ''],
      ]);
      assert.deepEqual(response.chunks, ['1']);
      client.socket.destroy();
    });

    test('a body arrives whole: with a length, chunked, empty, absent', async () => {
      using served = await serve(implementation, (exchange) => void answerBody(exchange, MIB));
      const client = await rawClient(served.port);
      const post = 'POST / HTTP/1.1\r\nhost: x\r\n';
      const cases: [request: string, body: string][] = [
        [`${post}content-length: 5\r\n\r\nhello`, 'hello'],
        [`${post}content-length: 4\r\n\r\n\0\xff\xfe\r`, '\0\xff\xfe\r'],
        [`${post}transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n`, 'hello'],
        [`${post}content-length: 0\r\n\r\n`, ''],
        [GET, ''],
      ];
      for (const [request, body] of cases) {
        const bytes = Buffer.from(body, 'latin1');
        const response = await exchangeRaw(client, request);
        assert.deepEqual(response.chunks, [`${bytes.length} ${sha256(bytes)}`]);
      }
      client.socket.destroy();
    });

    test('a body of 32 MiB arrives whole, by length and chunked, in memory of its own', async () => {
      const body = randomBytes(32 * MIB);
      using served = await serve(implementation, (exchange) => void answerBody(exchange, 32 * MIB));
      const url = `http://127.0.0.1:${served.port}/`;
      const whole = await fetch(url, { method: 'POST', body });
      assert.equal(await whole.text(), `${body.length} ${sha256(body)}`);
      const stream = new Blob([body]).stream();
      const chunked = await fetch(url, { method: 'POST', body: stream, duplex: 'half' });
      assert.equal(await chunked.text(), `${body.length} ${sha256(body)}`);
    });

    test('a body read only later is complete, also when it came with the head', async () => {
      using served = await serve(implementation, async (exchange) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        await answerBody(exchange, MIB);
      });
      const client = await rawClient(served.port);
      const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n';
      assert.deepEqual((await exchangeRaw(client, `${head}abcdef`)).chunks, [
        `6 ${sha256('abcdef')}`,
      ]);
      client.send(`${head}abc`);
      await new Promise((resolve) => setTimeout(resolve, 40));
      assert.deepEqual((await exchangeRaw(client, 'def')).chunks, [`6 ${sha256('abcdef')}`]);
      client.socket.destroy();
    });

    test('a body nobody reads does not stop its connection', async () => {
      using served = await serve(implementation, async (exchange) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        exchange.start(404, [], null);
        await new Promise((resolve) => setTimeout(resolve, 5));
        exchange.write(Buffer.from('no'));
        exchange.end();
        await assert.rejects(exchange.readBody(MIB), { code: 'internal' });
      });
      const client = await rawClient(served.port);
      const body = 'x'.repeat(3 * MIB);
      for (let i = 0; i < 3; i++) {
        const response = await exchangeRaw(
          client,
          `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
        assert.deepEqual(response.chunks, ['no']);
      }
      client.socket.destroy();
    });

    test('a declared length above the limit is refused before the body comes', async () => {
      using served = await serve(implementation, (exchange) => void answerBody(exchange, 1000));
      const client = await rawClient(served.port);
      const response = await exchangeRaw(
        client,
        'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n',
      );
      assert.equal(response.status, 413);
      assert.deepEqual(response.chunks, ['body_too_large']);
      client.socket.destroy();
    });

    test('a chunked body above the limit is refused, and the client may finish sending it', async () => {
      using served = await serve(implementation, (exchange) => void answerBody(exchange, 1000));
      const client = await rawClient(served.port);
      const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`;
      const response = await exchangeRaw(
        client,
        `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}${chunk}`,
      );
      assert.equal(response.status, 413);
      const next = await exchangeRaw(client, `${chunk.repeat(3)}0\r\n\r\n${GET}`);
      assert.deepEqual(next.chunks, [`0 ${sha256('')}`]);
      client.socket.destroy();
    });

    test('a client that leaves while sending its body is client_closed', async () => {
      const failures: unknown[] = [];
      using served = await serve(implementation, (exchange) => {
        exchange.readBody(MIB).catch((error: unknown) => failures.push(error));
      });
      const client = await rawClient(served.port);
      client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this');
      await waitFor('the request', () => served.server.openExchanges === 1);
      client.socket.destroy();
      await waitFor('the failure', () => failures.length === 1);
      const [failure] = failures;
      assert.ok(failure instanceof RouterError);
      assert.equal(failure.code, 'client_closed');
    });

    test('Expect: 100-continue is answered before the body is sent', async () => {
      using served = await serve(implementation, (exchange) => void answerBody(exchange, MIB));
      const client = await rawClient(served.port);
      client.send(
        'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n',
      );
      assert.match(await client.until((text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 100 /);
      const response = await exchangeRaw(client, 'ok');
      assert.deepEqual(response.chunks, [`2 ${sha256('ok')}`]);
      client.socket.destroy();
    });
  });
}
