import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { forwardingServer } from '../support/forwarding-server.js';
import { freeTime } from '../support/free-time.js';
import { IMPLEMENTATIONS } from '../support/http-servers.js';
import { exchangeRaw, parseResponse, rawClient } from '../support/raw-client.js';
import { framed, scriptedEngine, wholeResponse } from '../support/scripted-engine.js';
import { waitFor } from '../support/wait-for.js';

const MIB = 1024 * 1024;
const SSE_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const POST = 'POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}';

for (const implementation of IMPLEMENTATIONS) {
  describe(`proxy hop on ${implementation}`, () => {
    test('bytes, status and headers cross unchanged in both directions', async () => {
      const answer = randomBytes(300_000).toString('latin1');
      using engine = await scriptedEngine(({ socket }) =>
        socket.write(
          `HTTP/1.1 201 Created\r\nset-cookie: a=1\r\nserver: uvicorn\r\ndate: long ago\r\nset-cookie: b=2\r\n` +
            `content-length: ${answer.length}\r\n\r\n${answer}`,
          'latin1',
        ),
      );
      await using hop = await forwardingServer(implementation, () => engine.url);
      const client = await rawClient(hop.port);
      const body = randomBytes(200_000).toString('latin1');
      const response = await exchangeRaw(
        client,
        `PUT /any/path%20x?q=1 HTTP/1.1\r\nhost: r\r\nauthorization: Bearer s\r\nx-request-id: id-1\r\n` +
          `content-length: ${body.length}\r\n\r\n${body}`,
      );
      assert.equal(response.status, 201);
      assert.equal(response.chunks.join(''), answer);
      const kept = ['set-cookie', 'server', 'x-warmpath-endpoint'];
      assert.deepEqual(
        response.headers.filter(([name]) => kept.includes(name)),
        [
          ['set-cookie', 'a=1'],
          ['server', 'uvicorn'],
          ['set-cookie', 'b=2'],
          ['x-warmpath-endpoint', 'a'],
        ],
      );
      assert.equal(response.headers.filter(([name]) => name === 'date').length, 1);
      const [seen] = engine.requests;
      assert.equal(seen?.body.toString('latin1'), body);
      assert.match(seen?.head ?? '', /^PUT \/any\/path%20x\?q=1 HTTP\/1\.1\r\n/);
      assert.match(seen?.head ?? '', /^authorization: Bearer s$/m);
      assert.match(seen?.head ?? '', /^x-request-id: id-1$/m);
      client.socket.destroy();
    });

    test('events keep their borders, paced and in one burst', async () => {
      const events = Array.from({ length: 50 }, (_, i) => `data: {"n":${i}}\n\n`);
      using engine = await scriptedEngine(async ({ socket, head }) => {
        socket.write(SSE_HEAD);
        if (head.includes('/burst')) socket.write(events.map(framed).join(''));
        else {
          for (const event of events) {
            socket.write(framed(event));
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        }
        socket.write('0\r\n\r\n');
      });
      await using hop = await forwardingServer(implementation, () => engine.url);
      const client = await rawClient(hop.port);
      for (const path of ['/paced', '/burst']) {
        const response = await exchangeRaw(client, `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
        assert.deepEqual(response.chunks, events);
        assert.ok(response.headers.some(([name]) => name === 'x-accel-buffering'));
      }
      client.socket.destroy();
    });

    test('each event is on the wire before the next one is made', async () => {
      using engine = await scriptedEngine(({ socket }) => socket.write(SSE_HEAD));
      await using hop = await forwardingServer(implementation, () => engine.url);
      const client = await rawClient(hop.port);
      client.send(POST);
      await waitFor('the request', () => engine.requests.length === 1);
      const socket = engine.requests[0]?.socket;
      for (let i = 0; i < 5; i++) {
        socket?.write(framed(`data: ${i}\n\n`));
        await client.until((text) => text.includes(`data: ${i}\n\n`));
        assert.equal(client.isClosed, false);
      }
      client.socket.destroy();
    });

    test('a client that leaves reaches the engine within 50 ms', async () => {
      using engine = await scriptedEngine(({ socket, head }) => {
        if (head.includes('/stream')) socket.write(`${SSE_HEAD}${framed('data: 1\n\n')}`);
      });
      await using hop = await forwardingServer(implementation, () => engine.url);
      for (const path of ['/silent', '/stream']) {
        const client = await rawClient(hop.port);
        const before = engine.requests.length;
        client.send(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
        await waitFor('the request', () => engine.requests.length > before);
        if (path === '/stream') await client.until((text) => text.includes('data: 1'));
        const socket = engine.requests.at(-1)?.socket;
        const time = freeTime();
        client.socket.destroy();
        await waitFor('the end of the engine request', () => socket?.destroyed === true);
        const ms = time.stop();
        assert.ok(ms < 50, `${path} took ${ms} ms`);
        await waitFor('the outcome', () => hop.outcomes.at(-1)?.kind === 'aborted');
      }
      assert.equal(hop.openExchanges, 0);
    });

    test('an engine that dies in a stream is told to the client as an event', async () => {
      using engine = await scriptedEngine(({ socket }) => {
        socket.write(`${SSE_HEAD}${framed('data: 1\n\n')}`);
        setTimeout(() => socket.resetAndDestroy(), 10);
      });
      await using hop = await forwardingServer(implementation, () => engine.url);
      const client = await rawClient(hop.port);
      const response = await exchangeRaw(client, POST);
      assert.equal(response.chunks.length, 2);
      const { error } = JSON.parse(response.chunks[1]?.slice(6) ?? '');
      assert.equal(error.type, 'BadGatewayError');
      assert.equal(error.code, 502);
      client.socket.destroy();
    });

    test('an engine that dies in any other response leaves it visibly incomplete', async () => {
      using engine = await scriptedEngine(({ socket, head }) => {
        const framing = head.includes('/fixed')
          ? 'content-length: 100\r\n\r\n{"a":'
          : `transfer-encoding: chunked\r\n\r\n${framed('{"a":')}`;
        socket.write(`HTTP/1.1 200 OK\r\n${framing}`);
        setTimeout(() => socket.destroy(), 10);
      });
      await using hop = await forwardingServer(implementation, () => engine.url);
      for (const path of ['/fixed', '/chunked']) {
        const client = await rawClient(hop.port);
        client.send(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
        const received = await client.closed();
        assert.match(received, /\{"a":/);
        assert.equal(parseResponse(received), null);
      }
    });

    for (const length of [null, 256 * MIB]) {
      const kind = length === null ? 'stream' : 'download';
      test(`a client that reads nothing of a ${kind} makes the engine wait`, async () => {
        const block = Buffer.alloc(64 * 1024, 'a');
        let accepted = 0;
        const engine = createServer((_request, response) => {
          if (length !== null) response.setHeader('content-length', length);
          const pump = () => {
            while (accepted < 256 * MIB) {
              accepted += block.length;
              if (!response.write(block)) {
                response.once('drain', pump);
                return;
              }
            }
            response.end();
          };
          pump();
        });
        await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve));
        const address = engine.address();
        assert.ok(address !== null && typeof address === 'object');
        await using hop = await forwardingServer(
          implementation,
          () => `http://127.0.0.1:${address.port}`,
        );
        const client = await rawClient(hop.port);
        client.socket.pause();
        client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
        let last = 0;
        let stillPolls = 0;
        await waitFor('the engine to stand still', () => {
          stillPolls = accepted > 0 && accepted === last ? stillPolls + 1 : 0;
          last = accepted;
          return stillPolls === 50;
        });
        const memory = process.memoryUsage();
        // Two pairs of loopback sockets hold a few MiB each; nothing else may.
        assert.ok(accepted < 32 * MIB, `the engine got rid of ${accepted} bytes`);
        assert.ok(memory.arrayBuffers < 64 * MIB, `${memory.arrayBuffers} bytes of buffers`);
        client.socket.destroy();
        await waitFor('the abort', () => hop.outcomes.at(-1)?.kind === 'aborted');
        engine.close();
        engine.closeAllConnections();
      });
    }

    test('a restarted engine behind kept connections costs no request', async () => {
      let engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('old')));
      await using hop = await forwardingServer(implementation, () => engine.url);
      const client = await rawClient(hop.port);
      assert.deepEqual((await exchangeRaw(client, POST)).chunks, ['old']);
      engine[Symbol.dispose]();
      engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('new')));
      assert.deepEqual((await exchangeRaw(client, POST)).chunks, ['new']);
      client.socket.destroy();
      engine[Symbol.dispose]();
    });

    test('connections close in the very moment of reuse: no request fails', async () => {
      // Ends each connection right after a response, as an engine does whose keep-alive time is over.
      using engine = await scriptedEngine(({ socket, earlier }) => {
        if (earlier < 3) socket.write(wholeResponse('ok'));
        else socket.end();
      });
      await using hop = await forwardingServer(implementation, () => engine.url);
      const client = await rawClient(hop.port);
      for (let i = 0; i < 40; i++) {
        const response = await exchangeRaw(client, POST);
        assert.equal(response.status, 200, `request ${i}`);
      }
      assert.ok(hop.staleConnections > 0);
      client.socket.destroy();
    });

    test('file descriptors return', { skip: process.platform !== 'linux' }, async () => {
      using engine = await scriptedEngine(({ socket, head }) => {
        if (head.includes('/ok'))
          socket.write(wholeResponse('ok', '200 OK', 'connection: close\r\n'));
        else if (head.includes('/die')) socket.destroy();
        else socket.write(`${SSE_HEAD}${framed('data: 1\n\n')}`);
      });
      await using hop = await forwardingServer(implementation, () => engine.url);
      const open = () => readdirSync('/proc/self/fd').length;
      const round = async () => {
        const clients = await Promise.all(Array.from({ length: 20 }, () => rawClient(hop.port)));
        const ended = clients.map(async (client, i) => {
          const path = ['/ok', '/die', '/stream'][i % 3];
          client.send(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
          await client.until((text) => text.includes('\r\n\r\n'));
          client.socket.destroy();
          await client.closed();
        });
        await Promise.all(ended);
        await waitFor('the exchanges', () => hop.openExchanges === 0);
      };
      const before = open();
      for (let i = 0; i < 5; i++) await round();
      // An aborted request leaves one idle connection to its engine behind, for the next request.
      await waitFor('the descriptors', () => open() <= before + 30);
    });
  });
}
