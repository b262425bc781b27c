// Sockets of the event thread: turns among engines, what answers that is no engine, many engines.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Publisher, Router } from 'zeromq';
import { ConfigError } from '../../src/errors.js';
import {
  createEventContext,
  EngineSubscription,
  openReplaySocket,
  type SubscriptionHandler,
} from '../../src/events/event-subscriber.js';
import { waitFor } from '../support/wait-for.js';

const SILENT: SubscriptionHandler = {
  message: () => undefined,
  fault: () => undefined,
  connected: () => undefined,
  disconnected: () => undefined,
  refused: () => undefined,
};

function connect(
  t: TestContext,
  address: string,
  handler: Partial<SubscriptionHandler>,
  givenUpMs = 10_000,
): void {
  const context = createEventContext(64);
  const all = { ...SILENT, ...handler };
  const subscription = new EngineSubscription(context, address, all, givenUpMs);
  t.after(() => subscription.close());
}

test('engines with a backlog take turns', async (t) => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const messages = 1000;
  const worker = new Worker(new URL('../support/flood-worker.js', import.meta.url), {
    workerData: { flag, messages, publishers: 3 },
  });
  t.after(() => worker.terminate());
  const [addresses] = await once(worker, 'message');
  const order: number[] = [];
  let connections = 0;
  for (const [engine, address] of addresses.entries()) {
    connect(t, address, {
      connected: () => {
        connections += 1;
      },
      message: () => {
        // Nothing is read until all has been sent, so that everyone has a backlog.
        Atomics.wait(flag, 0, 0);
        order.push(engine);
      },
    });
  }
  await waitFor('the connections', () => connections === 3);
  await new Promise((resolve) => setTimeout(resolve, 100));
  worker.postMessage('go');
  await waitFor('all messages', () => order.length === 3 * messages);
  const busy = order.slice(0, 2000);
  let run = 0;
  let longest = 0;
  for (const [i, engine] of busy.entries()) {
    run = engine === busy[i - 1] ? run + 1 : 1;
    longest = Math.max(longest, run);
  }
  assert.ok(longest <= 2 * 64, `${longest} messages of one engine in a row`);
});

test('a stranger at the address is told apart, and the engine found when it comes', async (t) => {
  const stranger = new Router({ linger: 0 });
  await stranger.bind('tcp://127.0.0.1:*');
  const address = stranger.lastEndpoint ?? '';
  let refusals = 0;
  let connections = 0;
  const handler = {
    refused: () => {
      refusals += 1;
    },
    connected: () => {
      connections += 1;
    },
  };
  connect(t, address, handler, 50);
  await waitFor('the refusal', () => refusals > 1);
  assert.equal(connections, 0);
  stranger.close();
  const engine = new Publisher({ linger: 0 });
  t.after(() => engine.close());
  await waitFor('the address to be free', () => {
    try {
      engine.bindSync(address);
      return true;
    } catch {
      return false;
    }
  });
  await waitFor('the connection', () => connections === 1);
});

test('a web server at the address is no connection', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  let connections = 0;
  let visits = 0;
  server.on('connection', () => {
    visits += 1;
  });
  const connected = () => {
    connections += 1;
  };
  connect(t, `tcp://127.0.0.1:${address.port}`, { connected }, 50);
  await waitFor('the visits', () => visits > 5);
  assert.equal(connections, 0);
});

test('a thousand engines that are away cost little and close at once', (t) => {
  const context = createEventContext(1024);
  const subscriptions: EngineSubscription[] = [];
  t.after(() => {
    for (const each of subscriptions) each.close();
  });
  for (let i = 0; i < 1000; i += 1) {
    subscriptions.push(new EngineSubscription(context, `tcp://127.0.0.1:${20_000 + i}`, SILENT));
  }
  assert.equal(subscriptions.length, 1000);
});

test('running out of file descriptors is an error that says what to raise', (t) => {
  // libzmq reports its own limit of sockets in the same way.
  const context = createEventContext(0);
  const subscriptions: EngineSubscription[] = [];
  t.after(() => {
    for (const each of subscriptions) each.close();
  });
  const openMany = () => {
    for (let i = 0; i < 100; i += 1) {
      subscriptions.push(new EngineSubscription(context, 'tcp://127.0.0.1:9', SILENT));
    }
  };
  assert.throws(openMany, /cannot connect to tcp:.*: Too many open .*LimitNOFILE/);
  assert.ok(subscriptions.length > 10);
});

test('an address that cannot be one is an error that names it', () => {
  const context = createEventContext(8);
  for (const address of ['', 'nowhere', 'http://a:1', 'tcp://a', 'tcp://*:5557', 'tcp://a:b']) {
    const named = (error: unknown) =>
      error instanceof ConfigError && error.message.includes(`connect to ${address}`);
    assert.throws(() => new EngineSubscription(context, address, SILENT), named, address);
    assert.throws(() => openReplaySocket(context, address, 10), named, address);
  }
});
