import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ForwardRequest } from '../../src/proxy/forwarder.js';
import { failure, forward, forwarding, request, SSE_HEAD } from '../support/forwarding.js';
import { freeTime } from '../support/free-time.js';
import { RecordingExchange } from '../support/recording-exchange.js';
import { framed, scriptedEngine, wholeResponse } from '../support/scripted-engine.js';
import { waitFor } from '../support/wait-for.js';

describe('forwarder: what crosses', () => {
  test('the engine gets the original bytes and end-to-end headers, and its own host', async () => {
    using engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('ok')));
    await using own = forwarding();
    const body = Buffer.from('{"a": 1,\xff\0}', 'latin1');
    await forward(own.forwarder, engine.url, {
      method: 'POST',
      target: '/v1/chat/completions?x=%20&y',
      body,
      headers: [
        ['host', 'router.example'],
        ['authorization', 'Bearer t'],
        ['x-request-id', 'r-1'],
        ['traceparent', '00-1-2-01'],
        ['x-twice', '1'],
        ['connection', 'keep-alive, X-Private'],
        ['x-private', 'no'],
        ['keep-alive', '5'],
        ['te', 'trailers'],
        ['transfer-encoding', 'chunked'],
        ['content-length', '999'],
        ['expect', '100-continue'],
        ['upgrade', 'h2c'],
        ['proxy-authorization', 'Basic x'],
        ['x-data-parallel-rank', '7'],
        ['x-twice', '2'],
        ['x-latin', 'caf\xe9'],
      ],
      extraRequestHeaders: [
        ['X-Data-Parallel-Rank', '3'],
        ['host', 'evil'],
      ],
    });
    const [seen] = engine.requests;
    assert.deepEqual(seen?.body, body);
    assert.deepEqual(seen?.head.split('\r\n'), [
      'POST /v1/chat/completions?x=%20&y HTTP/1.1',
      `host: 127.0.0.1:${engine.port}`,
      'connection: keep-alive',
      'authorization: Bearer t',
      'x-request-id: r-1',
      'traceparent: 00-1-2-01',
      'x-twice: 1',
      'x-twice: 2',
      'x-latin: caf\xe9',
      'X-Data-Parallel-Rank: 3',
      `content-length: ${body.length}`,
    ]);
  });

  test('a POST without a body says so, a GET carries no length', async () => {
    using engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('ok')));
    await using own = forwarding();
    await forward(own.forwarder, engine.url, { body: null });
    await forward(own.forwarder, engine.url, { method: 'GET', body: null });
    assert.match(engine.requests[0]?.head ?? '', /^content-length: 0$/m);
    assert.doesNotMatch(engine.requests[1]?.head ?? '', /content-length/);
  });

  test("a path in the endpoint's URL comes before the request's", async () => {
    using engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('ok')));
    await using own = forwarding();
    await forward(own.forwarder, `${engine.url}/engines/a/`, { target: '/v1/models' });
    assert.match(engine.requests[0]?.head ?? '', /^POST \/engines\/a\/v1\/models HTTP/);
  });

  test('status and headers come back in order with duplicates, less the hop, plus ours', async () => {
    using engine = await scriptedEngine(({ socket }) =>
      socket.write(
        'HTTP/1.1 418 Short and stout\r\nSet-Cookie: a=1\r\nX-Request-Id: r\r\nset-cookie: b=2\r\n' +
          'Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Warmpath-Endpoint: forged\r\n' +
          'X-Latin: caf\xe9\r\nContent-Length: 3\r\n\r\nabc',
        'latin1',
      ),
    );
    await using own = forwarding();
    const { exchange, outcome } = await forward(own.forwarder, engine.url, {
      extraResponseHeaders: [['x-warmpath-endpoint', 'a']],
    });
    assert.deepEqual(outcome, { kind: 'completed', status: 418, bytes: 3 });
    assert.equal(exchange.status, 418);
    assert.equal(exchange.contentLength, 3);
    assert.deepEqual(exchange.responseHeaders, [
      ['set-cookie', 'a=1'],
      ['x-request-id', 'r'],
      ['set-cookie', 'b=2'],
      ['x-latin', 'caf\xe9'],
      ['content-length', '3'],
      ['x-warmpath-endpoint', 'a'],
    ]);
    assert.equal(exchange.outcome, 'ended');
  });

  test('chunks are written as they come, and the observer sees them first', async () => {
    const chunks = ['data: 1\n\n', 'da', 'ta: 2\n\n', 'data: [DONE]\n\n'];
    using engine = await scriptedEngine(({ socket }) => {
      // All in one segment: what TCP merged is taken apart again at the chunks' own borders.
      socket.write(`${SSE_HEAD}${chunks.map(framed).join('')}0\r\n\r\n`);
    });
    await using own = forwarding();
    const exchange = new RecordingExchange();
    const seen: string[] = [];
    const outcome = await own.forwarder.forward(engine.url, request(), exchange, {
      onHeaders: (status, headers) => seen.push(`${status} ${headers[0]?.[1]}`),
      onChunk: (chunk) => {
        assert.ok(exchange.chunks.length < chunks.length);
        seen.push(Buffer.from(chunk).toString());
      },
    });
    assert.deepEqual(exchange.chunks, chunks);
    assert.deepEqual(seen, ['200 text/event-stream; charset=utf-8', ...chunks]);
    assert.equal(outcome.kind, 'completed');
    assert.equal(exchange.contentLength, null);
    assert.deepEqual(exchange.responseHeaders.at(-1), ['x-accel-buffering', 'no']);
  });

  test('interim responses and trailers stay on their hop', async () => {
    using engine = await scriptedEngine(({ socket }) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n');
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n');
      socket.write(`${framed('body')}0\r\nx-t: 1\r\n\r\n`);
    });
    await using own = forwarding();
    const { exchange, outcome } = await forward(own.forwarder, engine.url);
    assert.deepEqual(outcome, { kind: 'completed', status: 200, bytes: 4 });
    assert.deepEqual(exchange.responseHeaders, []);
    assert.deepEqual(exchange.chunks, ['body']);
  });

  test('a response that ends with its connection is complete', async () => {
    using engine = await scriptedEngine(({ socket }) =>
      socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end'),
    );
    await using own = forwarding();
    const { exchange, outcome } = await forward(own.forwarder, engine.url);
    assert.equal(outcome.kind, 'completed');
    assert.equal(exchange.chunks.join(''), 'until the end');
    assert.equal(exchange.outcome, 'ended');
  });

  test('an engine may answer while the body is still being sent', async () => {
    using engine = await scriptedEngine(() => {});
    await using own = forwarding();
    const pending = forward(own.forwarder, engine.url, { body: Buffer.alloc(64 * 1024 * 1024) });
    await waitFor('the connection', () => engine.sockets.size === 1);
    const [socket] = engine.sockets;
    socket?.removeAllListeners('data');
    socket?.pause();
    socket?.write(wholeResponse('too large', '413 Content Too Large', 'connection: close\r\n'));
    const { exchange, outcome } = await pending;
    assert.deepEqual(outcome, { kind: 'completed', status: 413, bytes: 9 });
    assert.deepEqual(exchange.chunks, ['too large']);
  });

  test('one connection serves one request after the other', async () => {
    using engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('ok')));
    await using own = forwarding();
    for (let i = 0; i < 20; i++) await forward(own.forwarder, engine.url);
    assert.equal(engine.connections, 1);
    assert.equal(engine.requests.at(-1)?.earlier, 19);
  });
});

describe('forwarder: limits and lifetimes', () => {
  test('a client that leaves ends the engine request at once, in every phase', async () => {
    using engine = await scriptedEngine(({ socket, head }) => {
      if (head.includes('/stream')) socket.write(`${SSE_HEAD}${framed('data: 1\n\n')}`);
    });
    await using own = forwarding();
    for (const target of ['/silent', '/stream']) {
      const exchange = new RecordingExchange();
      const before = engine.requests.length;
      const pending = own.forwarder.forward(engine.url, request({ target }), exchange, {});
      await waitFor('the request', () => engine.requests.length > before);
      if (target === '/stream') await waitFor('a chunk', () => exchange.chunks.length === 1);
      const socket = engine.requests.at(-1)?.socket;
      const time = freeTime();
      exchange.abort();
      assert.deepEqual(await pending, { kind: 'aborted' });
      await waitFor('the end of the connection', () => socket?.destroyed === true);
      const ms = time.stop();
      assert.ok(ms < 50, `${target} took ${ms} ms`);
    }
  });

  test('a client that left before is not forwarded, one that leaves while connecting neither', async () => {
    using engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('ok')));
    await using own = forwarding();
    const gone = new RecordingExchange();
    gone.abort();
    assert.deepEqual(await own.forwarder.forward(engine.url, request(), gone, {}), {
      kind: 'aborted',
    });
    const leaving = new RecordingExchange();
    const pending = own.forwarder.forward(engine.url, request(), leaving, {});
    leaving.abort();
    assert.deepEqual(await pending, { kind: 'aborted' });
    // A later request shows that the pool is in order and that nothing else was sent.
    await forward(own.forwarder, engine.url);
    assert.equal(engine.requests.length, 1);
  });

  test('more requests than connections are queue_full, and only for that endpoint', async () => {
    using busy = await scriptedEngine(() => {});
    using idle = await scriptedEngine(({ socket }) => socket.write(wholeResponse('ok')));
    await using own = forwarding({ connectionsPerEndpoint: 2 });
    const exchanges = [new RecordingExchange(), new RecordingExchange()];
    const pending = exchanges.map((exchange) =>
      own.forwarder.forward(busy.url, request(), exchange, {}),
    );
    const third = await forward(own.forwarder, busy.url);
    assert.equal(failure(third.outcome), 'unanswered queue_full unsent');
    assert.equal((await forward(own.forwarder, idle.url)).outcome.kind, 'completed');
    for (const exchange of exchanges) exchange.abort();
    await Promise.all(pending);
  });

  test('requests that cannot be sent are invalid_request and cost the pool nothing', async () => {
    using engine = await scriptedEngine(({ socket }) => socket.write(wholeResponse('ok')));
    await using own = forwarding({ connectionsPerEndpoint: 2 });
    const invalid: Partial<ForwardRequest>[] = [
      { method: 'CONNECT' },
      { method: 'BAD METHOD' },
      { target: 'no-slash' },
      { target: '/a b' },
      { target: '/a\r\nx: y' },
      { target: '/\u1234' },
      { headers: [['bad name', 'x']] },
      { headers: [['x', 'a\r\nb: c']] },
      { headers: [['x', '\u1234']] },
      { extraRequestHeaders: [['x', 'a\0']] },
    ];
    for (const changes of invalid) {
      const { outcome } = await forward(own.forwarder, engine.url, changes);
      assert.equal(failure(outcome), 'unanswered invalid_request unsent', JSON.stringify(changes));
    }
    assert.equal((await forward(own.forwarder, engine.url)).outcome.kind, 'completed');
    assert.equal(engine.requests.length, 1);
  });

  test('release closes idle connections and lets requests in flight finish', async () => {
    let answer = () => {};
    using engine = await scriptedEngine(({ socket }) => {
      answer = () => socket.write(wholeResponse('ok'));
    });
    await using own = forwarding();
    const pending = forward(own.forwarder, engine.url);
    await waitFor('the request', () => engine.requests.length === 1);
    own.forwarder.release(engine.url);
    answer();
    assert.equal((await pending).outcome.kind, 'completed');
    await waitFor('the end of the connection', () => engine.sockets.size === 0);
  });

  test('close ends requests in flight and refuses later ones', async () => {
    using engine = await scriptedEngine(() => {});
    await using own = forwarding();
    const pending = forward(own.forwarder, engine.url);
    await waitFor('the request', () => engine.requests.length === 1);
    await own.forwarder.close();
    assert.equal(failure((await pending).outcome), 'unanswered draining sent');
    const later = await forward(own.forwarder, engine.url);
    assert.equal(failure(later.outcome), 'unanswered draining unsent');
    await waitFor('the end of the connection', () => engine.sockets.size === 0);
  });

  test('an engine that promises a long keep-alive is believed', async () => {
    using engine = await scriptedEngine(({ socket }) =>
      socket.write(wholeResponse('ok', '200 OK', 'keep-alive: timeout=30\r\n')),
    );
    await using own = forwarding();
    await forward(own.forwarder, engine.url);
    await forward(own.forwarder, engine.url);
    assert.equal(engine.connections, 1);
  });
});
