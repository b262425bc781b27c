import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ConfigError } from '../../src/errors.js';
import type { Exchange } from '../../src/http/exchange.js';
import { createServer } from '../../src/http/server.js';
import { IMPLEMENTATIONS, serve } from '../support/http-servers.js';
import { exchangeRaw, parseResponse, rawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';

for (const implementation of IMPLEMENTATIONS) {
  describe(`server on ${implementation}`, () => {
    test('every method and path reaches the one handler', async () => {
      using served = await serve(implementation, (exchange) => {
        exchange.respond(200, [], `${exchange.method} ${exchange.path} ${exchange.query}`);
      });
      const client = await rawClient(served.port);
      const cases = [
        ['GET', '/', 'GET / '],
        ['POST', '/v1/chat/completions', 'POST /v1/chat/completions '],
        ['PUT', '/a?b=c%20d&e', 'PUT /a b=c%20d&e'],
        ['DELETE', '/v1/responses/x', 'DELETE /v1/responses/x '],
        ['PATCH', '/a//b/../c?', 'PATCH /a//b/../c '],
        ['OPTIONS', '/%2e%2e/?x?y', 'OPTIONS /%2e%2e/ x?y'],
      ];
      for (const [method, target, expected] of cases) {
        const length = method === 'GET' || method === 'OPTIONS' ? '' : 'content-length: 0\r\n';
        const response = await exchangeRaw(
          client,
          `${method} ${target} HTTP/1.1\r\nhost: x\r\n${length}\r\n`,
        );
        assert.equal(response.status, 200);
        assert.equal(response.chunks.join(''), expected);
      }
      client.socket.destroy();
    });

    test('a port in use is a ConfigError that names host, port and cure', async () => {
      using served = await serve(implementation, (exchange) => exchange.respond(200, [], ''));
      const second = createServer(() => {}, { httpImplementation: implementation });
      await assert.rejects(second.listen('127.0.0.1', served.port), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${served.port}`));
        assert.match(error.message, /in use; stop the other process or choose another port/);
        return true;
      });
      second.close();
    });

    test('an address that is not of this machine is a ConfigError', async () => {
      const server = createServer(() => {}, { httpImplementation: implementation });
      await assert.rejects(server.listen('192.0.2.1', 0), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, /192\.0\.2\.1:0: no address of this machine/);
        return true;
      });
      server.close();
    });

    test('after stopAccepting open exchanges go on and end their connection', async () => {
      const held: Exchange[] = [];
      using served = await serve(implementation, (exchange) => {
        held.push(exchange);
      });
      const client = await rawClient(served.port);
      client.send('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n');
      await waitFor('the request', () => held.length === 1);
      assert.equal(served.server.openExchanges, 1);

      served.server.stopAccepting();
      const refused = connect(served.port, '127.0.0.1');
      const [error] = await once(refused, 'error');
      assert.equal(error.code, 'ECONNREFUSED');

      held[0]?.respond(200, [], 'late');
      const received = await client.closed();
      assert.match(received, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nlate$/s);
      assert.match(received, /connection: close/i);
      assert.equal(served.server.openExchanges, 0);
    });

    test('a stream that began before stopAccepting ends whole, one that begins after says close', async () => {
      const held: Exchange[] = [];
      using served = await serve(implementation, (exchange) => {
        held.push(exchange);
      });
      const [early, late] = [await rawClient(served.port), await rawClient(served.port)];
      for (const client of [early, late]) client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      await waitFor('the requests', () => held.length === 2);
      const stream = (exchange: Exchange | undefined) => {
        exchange?.start(200, [], null);
        exchange?.write(Buffer.from('one'));
      };
      stream(held[0]);
      await early.until((text) => text.includes('one'));
      served.server.stopAccepting();
      stream(held[1]);
      for (const exchange of held) {
        exchange.write(Buffer.from('two'));
        exchange.end();
      }
      for (const client of [early, late]) {
        const text = await client.until((received) => parseResponse(received) !== null);
        assert.deepEqual(parseResponse(text)?.chunks, ['one', 'two']);
        const announced = /^connection: close\r$/im.test(text);
        assert.equal(announced, client === late);
      }
    });

    test('close ends every connection and tells the exchanges', async () => {
      const held: Exchange[] = [];
      using served = await serve(implementation, (exchange) => {
        held.push(exchange);
      });
      const idle = await rawClient(served.port);
      const waiting = await rawClient(served.port);
      waiting.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      await waitFor('the request', () => held.length === 1);
      served.server.close();
      await Promise.all([idle.closed(), waiting.closed()]);
      await waitFor('the abort', () => held[0]?.aborted === true);
      assert.equal(served.server.openExchanges, 0);
      await waitFor('the connections', () => served.server.openConnections === 0);
      served.server.close();
    });

    test('connections are counted, busy or not', async () => {
      using served = await serve(implementation, (exchange) => exchange.respond(200, [], 'ok'));
      const clients = await Promise.all([1, 2, 3].map(() => rawClient(served.port)));
      await waitFor('three connections', () => served.server.openConnections === 3);
      const [one, two] = clients;
      one?.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      await one?.until((text) => text.includes('ok'));
      assert.equal(served.server.openConnections, 3);
      one?.socket.destroy();
      two?.socket.end();
      await waitFor('one connection', () => served.server.openConnections === 1);
      clients[2]?.socket.destroy();
    });

    test('a handler that fails costs its request and nothing else', async () => {
      using served = await serve(implementation, async (exchange) => {
        if (exchange.path === '/bug') throw new Error('a bug');
        if (exchange.path === '/bug-later') {
          exchange.start(200, [], null);
          exchange.write(Buffer.from('half'));
          await new Promise(setImmediate);
          throw new Error('a bug');
        }
        exchange.respond(200, [], 'fine');
      });
      const client = await rawClient(served.port);
      const failed = await exchangeRaw(client, 'GET /bug HTTP/1.1\r\nhost: x\r\n\r\n');
      assert.equal(failed.status, 500);
      assert.deepEqual(JSON.parse(failed.chunks[0] ?? ''), {
        error: {
          message: 'the router failed on this request',
          type: 'InternalServerError',
          param: null,
          code: 500,
        },
      });
      const response = await exchangeRaw(client, 'GET /ok HTTP/1.1\r\nhost: x\r\n\r\n');
      assert.deepEqual(response.chunks, ['fine']);
      client.send('GET /bug-later HTTP/1.1\r\nhost: x\r\n\r\n');
      await client.closed();
      assert.equal(served.server.openExchanges, 0);
    });
  });
}

test('two uWebSockets.js servers share a process without sharing connections', async () => {
  using first = await serve('uwebsockets', (exchange) => exchange.respond(200, [], 'first'));
  using second = await serve('uwebsockets', (exchange) => exchange.respond(200, [], 'second'));
  for (const [port, expected] of [
    [first.port, 'first'],
    [second.port, 'second'],
  ] as const) {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(await response.text(), expected);
  }
});

test('a handler that throws at once is answered as well', async () => {
  using served = await serve('uwebsockets', () => {
    throw new Error('a bug');
  });
  assert.equal((await fetch(`http://127.0.0.1:${served.port}/`)).status, 500);
});

test('a server runs in a worker thread and the thread ends after close', async () => {
  const worker = new Worker(new URL('../support/server-worker.js', import.meta.url));
  const [port] = await once(worker, 'message');
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(await response.text(), 'from a worker');
  worker.postMessage('close');
  const [code] = await once(worker, 'exit');
  assert.equal(code, 0);
});
