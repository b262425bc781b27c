import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Exchange, HeaderList } from '../../src/http/exchange.js';
import { IMPLEMENTATIONS, serve } from '../support/http-servers.js';
import { exchangeRaw, parseResponse, rawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const MIB = 1024 * 1024;

for (const implementation of IMPLEMENTATIONS) {
  describe(`exchange on ${implementation}: response`, () => {
    test('a whole response has its length and only the headers it was given', async () => {
      using served = await serve(implementation, (exchange) =>
        exchange.respond(
          404,
          [
            ['content-type', 'text/plain'],
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
            ['x-bytes', 'caf\xe9 \xc3\xa9'],
            ['Content-Length', '99'],
            ['connection', 'upgrade'],
            ['date', 'never'],
          ],
          'n\u00f6pe',
        ),
      );
      const client = await rawClient(served.port);
      const { status, headers, chunks } = await exchangeRaw(client, GET);
      assert.equal(status, 404);
      assert.deepEqual(chunks, ['n\xc3\xb6pe']);
      const ofConnection = ['date', 'connection', 'keep-alive'];
      assert.deepEqual(headers.filter(([name]) => !ofConnection.includes(name)).toSorted(), [
        ['content-length', '5'],
        ['content-type', 'text/plain'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
        ['x-bytes', 'caf\xe9 \xc3\xa9'],
      ]);
      assert.equal(headers.filter(([name]) => name === 'date').length, 1);
      assert.notEqual(headers.find(([name]) => name === 'date')?.[1], 'never');
      client.socket.destroy();
    });

    test('HEAD, 204 and 304 have no body, whole or streamed', async () => {
      using served = await serve(implementation, (exchange) => {
        const status = Number(exchange.path.slice(1));
        if (exchange.query === 'whole') {
          exchange.respond(status, [], 'body');
          return;
        }
        exchange.start(status, [], exchange.query === 'fixed' ? 4 : null);
        assert.equal(exchange.write(Buffer.from('body')), true);
        exchange.end();
        assert.equal(exchange.ended, true);
      });
      const client = await rawClient(served.port);
      for (const mode of ['whole', 'fixed', 'chunked']) {
        for (const [method, status] of [
          ['HEAD', 200],
          ['GET', 204],
          ['GET', 304],
          ['GET', 200],
        ] as const) {
          const request = `${method} /${status}?${mode} HTTP/1.1\r\nhost: x\r\n\r\n`;
          const response = await exchangeRaw(client, request);
          assert.equal(response.status, status, `${method} ${mode}`);
          const hasBody = method === 'GET' && status === 200;
          assert.deepEqual(response.chunks, hasBody ? ['body'] : []);
          assert.equal(response.rest, '');
          const length = response.headers.find(([name]) => name === 'content-length')?.[1];
          if (method === 'HEAD' && mode !== 'chunked') assert.equal(length, '4');
          if (status === 204) assert.equal(length, undefined);
        }
      }
      client.socket.destroy();
    });

    test('a header that could begin another one is a TypeError and nothing is sent', async () => {
      const attempts: HeaderList = [
        ['x-bad', 'a\r\nset-cookie: evil=1'],
        ['x-bad', 'a\nb'],
        ['x-bad', 'a\0b'],
        ['x-bad\r\nx', 'a'],
        ['', 'a'],
        ['x bad', 'a'],
      ];
      using served = await serve(implementation, (exchange) => {
        const header = attempts[Number(exchange.query)] ?? ['', ''];
        assert.throws(() => exchange.respond(200, [header], 'x'), TypeError);
        assert.throws(() => exchange.start(200, [header], null), TypeError);
        assert.equal(exchange.started, false);
        exchange.respond(500, [['x-tab', 'a\tb']], 'refused');
      });
      const client = await rawClient(served.port);
      for (const index of attempts.keys()) {
        const response = await exchangeRaw(client, `GET /?${index} HTTP/1.1\r\nhost: x\r\n\r\n`);
        assert.deepEqual(response.chunks, ['refused']);
        assert.equal(response.headers.find(([name]) => name === 'x-tab')?.[1], 'a\tb');
        assert.ok(!response.headers.some(([name]) => name === 'set-cookie' || name === 'x-bad'));
      }
      client.socket.destroy();
    });

    test('chunks reach the wire one by one, byte for byte', async () => {
      const sent = ['data: 1\n\n', 'x', 'a'.repeat(70_000), '\r\n0\r\n\r\n', '\xff\0'];
      using served = await serve(implementation, (exchange) => {
        exchange.start(200, [['content-type', 'text/event-stream']], null);
        for (const chunk of sent) exchange.write(Buffer.from(chunk, 'latin1'));
        exchange.write(Buffer.alloc(0));
        exchange.end();
      });
      const client = await rawClient(served.port);
      for (let i = 0; i < 3; i++) {
        const response = await exchangeRaw(client, GET);
        assert.deepEqual(response.chunks, sent);
        assert.equal(response.rest, '');
      }
      client.socket.destroy();
    });

    test('a stream ended without a byte is a complete empty response', async () => {
      using served = await serve(implementation, (exchange) => {
        exchange.start(200, [['x-a', 'b']], exchange.query === 'fixed' ? 0 : null);
        exchange.end();
      });
      const client = await rawClient(served.port);
      for (const query of ['fixed', 'chunked']) {
        const response = await exchangeRaw(client, `GET /?${query} HTTP/1.1\r\nhost: x\r\n\r\n`);
        assert.equal(response.chunks.join(''), '');
        assert.equal(response.headers.find(([name]) => name === 'x-a')?.[1], 'b');
      }
      client.socket.destroy();
    });

    test('a promised length that is not reached breaks the connection', async () => {
      using served = await serve(implementation, (exchange) => {
        exchange.start(200, [], 10);
        exchange.write(Buffer.from('four'));
        exchange.end();
      });
      const client = await rawClient(served.port);
      client.send(GET);
      const received = await client.closed();
      assert.equal(parseResponse(received), null);
      assert.equal(served.server.openExchanges, 0);
    });

    test('destroy ends the connection without completing the response', async () => {
      let abortCalls = 0;
      using served = await serve(implementation, (exchange) => {
        exchange.onAbort(() => abortCalls++);
        exchange.start(200, [], null);
        exchange.write(Buffer.from('some'));
        setTimeout(() => exchange.destroy(), 5);
      });
      const client = await rawClient(served.port);
      client.send(GET);
      const received = await client.closed();
      assert.equal(parseResponse(received), null);
      assert.equal(abortCalls, 0);
      assert.equal(served.server.openExchanges, 0);
    });

    for (const contentLength of [null, 24 * MIB]) {
      const kind = contentLength === null ? 'chunked' : 'fixed-length';
      test(`a slow client holds up a ${kind} stream, and gets every byte of it`, async () => {
        const block = randomBytes(48 * 1024);
        const total = 24 * MIB;
        let written = 0;
        let refusals = 0;
        using served = await serve(implementation, (exchange) => {
          exchange.start(200, [], contentLength);
          const pump = () => {
            while (written < total) {
              const accepted = exchange.write(block);
              written += block.length;
              if (!accepted) {
                refusals++;
                exchange.onDrain(pump);
                return;
              }
            }
            exchange.end();
          };
          pump();
        });
        const client = await rawClient(served.port);
        client.socket.pause();
        client.send(GET);
        await waitFor('the first refusal', () => refusals > 0);
        const heldAt = written;
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(written, heldAt);
        // Loopback sockets of this kernel hold a few MiB; the rest must not be in our memory.
        assert.ok(heldAt < 16 * MIB, `${heldAt} bytes were accepted`);

        const expected = createHash('sha256');
        for (let i = 0; i < total / block.length; i++) expected.update(block);
        client.socket.resume();
        await waitFor('the whole stream', () => client.receivedBytes > total);
        const response = await exchangeRaw(client, '', 0);
        const actual = createHash('sha256');
        for (const chunk of response.chunks) actual.update(chunk, 'latin1');
        assert.equal(actual.digest('hex'), expected.digest('hex'));
        assert.equal(served.server.openExchanges, 0);
        client.socket.destroy();
      });
    }
  });

  describe(`exchange on ${implementation}: abort`, () => {
    test('a client that leaves is seen by callback and signal, before and after', async () => {
      const seen: string[] = [];
      let held: Exchange | undefined;
      using served = await serve(implementation, (exchange) => {
        held = exchange;
        exchange.onAbort(() => seen.push('callback'));
        exchange.signal.addEventListener('abort', () => seen.push('signal'));
      });
      const client = await rawClient(served.port);
      client.send(GET);
      await waitFor('the request', () => held !== undefined);
      client.socket.destroy();
      await waitFor('the abort', () => held?.aborted === true);
      assert.deepEqual(seen.toSorted(), ['callback', 'signal']);
      held?.onAbort(() => seen.push('late'));
      assert.ok(seen.includes('late'));
      assert.equal(held?.signal.aborted, true);
      assert.equal(served.server.openExchanges, 0);

      // All of these are without effect on a client that is gone.
      held?.start(200, [], null);
      held?.write(Buffer.from('x'));
      held?.end();
      held?.destroy();
    });

    test('a response that ended is not aborted when its client leaves', async () => {
      let aborts = 0;
      using served = await serve(implementation, (exchange) => {
        exchange.onAbort(() => aborts++);
        exchange.respond(200, [], 'done');
      });
      const client = await rawClient(served.port);
      await exchangeRaw(client, GET);
      client.socket.destroy();
      await client.closed();
      const other = await rawClient(served.port);
      await exchangeRaw(other, GET);
      other.socket.destroy();
      assert.equal(aborts, 0);
    });

    test('one connection carries many requests', async () => {
      let count = 0;
      using served = await serve(implementation, (exchange) => {
        setImmediate(() => exchange.respond(200, [], String(count++)));
      });
      const client = await rawClient(served.port);
      for (let i = 0; i < 200; i++) {
        const response = await exchangeRaw(client, GET);
        assert.deepEqual(response.chunks, [String(i)]);
      }
      client.socket.destroy();
    });
  });
}
