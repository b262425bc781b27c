// Engines that fail before, at and within their answer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure, forward, forwarding, request, SSE_HEAD } from '../support/forwarding.js';
import { RecordingExchange } from '../support/recording-exchange.js';
import { framed, scriptedEngine, wholeResponse } from '../support/scripted-engine.js';
import { waitFor } from '../support/wait-for.js';

describe('forwarder: failures', () => {
  test('a refused connection is unanswered and unsent', async () => {
    const engine = await scriptedEngine(() => {});
    engine[Symbol.dispose]();
    await using own = forwarding();
    const { exchange, outcome } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'unanswered engine_unreachable unsent');
    assert.ok(outcome.kind === 'unanswered');
    assert.match(outcome.error.message, new RegExp(`${engine.url}.*ECONNREFUSED`));
    assert.equal(outcome.error.status, 502);
    assert.equal(exchange.started, false);
  });

  test('a name that does not resolve is unanswered and unsent', async () => {
    await using own = forwarding();
    const { outcome } = await forward(own.forwarder, 'http://no-such-engine.invalid:8000');
    assert.equal(failure(outcome), 'unanswered engine_unreachable unsent');
  });

  test('an address that does not answer is given up after the connect timeout', async () => {
    // TEST-NET-1: packets to it vanish, or the kernel says at once that there is no way.
    await using own = forwarding({ connectTimeoutMs: 300 });
    const start = performance.now();
    const { outcome } = await forward(own.forwarder, 'http://192.0.2.1:8000');
    assert.equal(failure(outcome), 'unanswered engine_unreachable unsent');
    assert.ok(performance.now() - start < 3000);
  });

  test('an engine that hangs up without a byte is unanswered and sent', async () => {
    using engine = await scriptedEngine(({ socket }) => socket.destroy());
    await using own = forwarding();
    const { outcome, staleConnections } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'unanswered engine_closed sent');
    assert.equal(staleConnections, 0);
    assert.equal(engine.requests.length, 1);
  });

  for (const [what, head] of [
    ['a stream', SSE_HEAD],
    ['an answer', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'],
  ] as const) {
    test(`${what} whose engine dies before its first byte has not begun for the client`, async () => {
      using engine = await scriptedEngine(({ socket, earlier }) => {
        if (earlier === 0) socket.write(wholeResponse('ok'));
        else socket.end(head);
      });
      await using own = forwarding();
      await forward(own.forwarder, engine.url);
      const { exchange, outcome, staleConnections } = await forward(own.forwarder, engine.url);
      assert.equal(failure(outcome), 'unanswered engine_closed sent');
      assert.equal(staleConnections, 0);
      assert.equal(exchange.started, false);
    });
  }

  test('a response without a body has begun with its end', async () => {
    using engine = await scriptedEngine(({ socket }) =>
      socket.write('HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n'),
    );
    await using own = forwarding();
    const { exchange, outcome } = await forward(own.forwarder, engine.url);
    assert.deepEqual(outcome, { kind: 'completed', status: 204, bytes: 0 });
    assert.deepEqual([exchange.status, exchange.outcome], [204, 'ended']);
  });

  test('an engine that answers something else than HTTP is unanswered and sent', async () => {
    using engine = await scriptedEngine(({ socket }) => socket.end('SSH-2.0-x\r\n\r\n'));
    await using own = forwarding();
    const { outcome } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'unanswered engine_closed sent');
  });

  for (const how of ['end', 'resetAndDestroy'] as const) {
    test(`a used connection that dies (${how}) before any byte is tried once more`, async () => {
      using engine = await scriptedEngine(({ socket, earlier }) => {
        if (earlier === 0) socket.write(wholeResponse('ok'));
        else socket[how]();
      });
      await using own = forwarding();
      const first = await forward(own.forwarder, engine.url);
      assert.equal(first.outcome.kind, 'completed');
      const second = await forward(own.forwarder, engine.url, { body: Buffer.from('again') });
      assert.equal(second.outcome.kind, 'completed');
      assert.equal(second.staleConnections, 1);
      assert.equal(engine.connections, 2);
      assert.deepEqual(
        engine.requests.map(({ body }) => body.toString()),
        ['{}', 'again', 'again'],
      );
    });
  }

  test('a used connection that dies after a byte of answer is not tried again', async () => {
    using engine = await scriptedEngine(({ socket, earlier }) => {
      if (earlier === 0) socket.write(wholeResponse('ok'));
      else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab');
    });
    await using own = forwarding();
    await forward(own.forwarder, engine.url);
    const { exchange, outcome, staleConnections } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'broken engine_closed');
    assert.equal(staleConnections, 0);
    assert.equal(exchange.outcome, 'destroyed');
  });

  test('the second attempt failing as well is unanswered and sent', async () => {
    using engine = await scriptedEngine(({ socket, earlier }) => {
      if (earlier === 0 && engine.connections === 1) socket.write(wholeResponse('ok'));
      else socket.destroy();
    });
    await using own = forwarding();
    await forward(own.forwarder, engine.url);
    const { outcome, staleConnections } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'unanswered engine_closed sent');
    assert.equal(staleConnections, 1);
    assert.equal(engine.requests.length, 3);
  });

  test('an event stream that breaks between events ends with an error event', async () => {
    using engine = await scriptedEngine(({ socket }) => {
      socket.write(`${SSE_HEAD}${framed('data: 1\n\n')}`);
      setTimeout(() => socket.destroy(), 10);
    });
    await using own = forwarding();
    const { exchange, outcome } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'broken engine_closed');
    assert.equal(exchange.outcome, 'ended');
    assert.equal(exchange.chunks.length, 2);
    const [, event = ''] = exchange.chunks;
    assert.match(event, /^data: .*\n\n$/);
    const { error } = JSON.parse(event.slice('data: '.length));
    assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
    assert.equal(error.code, 502);
    assert.equal(error.param, null);
    assert.match(error.message, new RegExp(engine.url));
  });

  test('an event stream that breaks inside an event ends that event first', async () => {
    using engine = await scriptedEngine(({ socket }) => {
      socket.write(`${SSE_HEAD}${framed('data: {"half')}`);
      setTimeout(() => socket.destroy(), 10);
    });
    await using own = forwarding();
    const { exchange } = await forward(own.forwarder, engine.url);
    assert.match(exchange.chunks.at(-1) ?? '', /^\n\ndata: \{"error"/);
  });

  test('any other response that breaks is destroyed', async () => {
    using engine = await scriptedEngine(({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${framed('{"a":')}`);
      setTimeout(() => socket.destroy(), 10);
    });
    await using own = forwarding();
    const { exchange, outcome } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'broken engine_closed');
    assert.equal(exchange.outcome, 'destroyed');
    assert.deepEqual(exchange.chunks, ['{"a":']);
  });

  test('an engine that does not answer in time is engine_timeout, and its connection ends', async () => {
    using engine = await scriptedEngine(() => {});
    await using own = forwarding({ firstByteTimeoutMs: 200 });
    const { outcome } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'unanswered engine_timeout sent');
    await waitFor('the end of the connection', () => engine.sockets.size === 0);
  });

  test('an engine that stops in the middle is engine_timeout', async () => {
    using engine = await scriptedEngine(({ socket }) => {
      socket.write(`${SSE_HEAD}${framed('data: 1\n\n')}`);
    });
    await using own = forwarding({ idleTimeoutMs: 200 });
    const { exchange, outcome } = await forward(own.forwarder, engine.url);
    assert.equal(failure(outcome), 'broken engine_timeout');
    assert.equal(JSON.parse(exchange.chunks[1]?.slice(6) ?? '').error.code, 504);
  });

  test('the time a slow client holds up the stream does not count as silence', async () => {
    using engine = await scriptedEngine(({ socket }) => {
      socket.write(`${SSE_HEAD}${framed('1')}`);
      setTimeout(() => socket.write(`${framed('2')}0\r\n\r\n`), 50);
    });
    await using own = forwarding({ idleTimeoutMs: 300 });
    const exchange = new RecordingExchange();
    exchange.accepts = false;
    const pending = own.forwarder.forward(engine.url, request(), exchange, {});
    await waitFor('the first chunk', () => exchange.chunks.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 900));
    assert.deepEqual(exchange.chunks, ['1']);
    exchange.drain();
    assert.equal((await pending).kind, 'completed');
    assert.deepEqual(exchange.chunks, ['1', '2']);
  });
});
