import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Context, Publisher, Router, Subscriber } from 'zeromq';
import { awaitPublisher, peekAt } from '../../src/doctor/zmtp-peek.js';
import { freePort } from '../../src/sim/free-port.js';

const TIMEOUT_MS = 2000;

test('a publisher and a router are told apart', async (t) => {
  const context = new Context();
  const publisher = new Publisher({ context, linger: 0 });
  const router = new Router({ context, linger: 0 });
  t.after(() => {
    publisher.close();
    router.close();
  });
  await publisher.bind('tcp://127.0.0.1:*');
  await router.bind('tcp://127.0.0.1:*');
  const [events, replay] = [publisher.lastEndpoint, router.lastEndpoint];
  assert.deepEqual(await peekAt(events ?? '', TIMEOUT_MS), { kind: 'socket', type: 'PUB' });
  assert.deepEqual(await peekAt(replay ?? '', TIMEOUT_MS), { kind: 'socket', type: 'ROUTER' });
});

test('a publisher that connects is met where it connects to', async (t) => {
  const at = await freePort('127.0.0.1');
  const publisher = new Publisher({ linger: 0 });
  t.after(() => publisher.close());
  publisher.connect(`tcp://127.0.0.1:${at}`);
  assert.deepEqual(await awaitPublisher(at, TIMEOUT_MS), { kind: 'socket', type: 'PUB' });
});

test('a subscriber that comes first is no publisher', async (t) => {
  const at = await freePort('127.0.0.1');
  const subscriber = new Subscriber({ linger: 0 });
  t.after(() => subscriber.close());
  subscriber.connect(`tcp://127.0.0.1:${at}`);
  assert.equal(await awaitPublisher(at, 500), null);
});

test('nobody comes, or the port is taken: no peer', async (t) => {
  assert.equal(await awaitPublisher(await freePort('127.0.0.1'), 50), null);
  const { at } = await speaker(t, '');
  assert.equal(await awaitPublisher(at, 50), null);
});

test('nobody listens', async () => {
  const at = await freePort('127.0.0.1');
  const peer = await peekAt(`tcp://127.0.0.1:${at}`, TIMEOUT_MS);
  assert.equal(peer.kind, 'unreachable');
  assert.equal((await peekAt('inproc://x', TIMEOUT_MS)).kind, 'unreachable');
});

test('what does not speak ZMQ is said to be foreign, however it behaves', async (t) => {
  const answers = ['HTTP/1.1 400 Bad Request\r\n\r\n', '', `\xff${'\0'.repeat(5000)}`];
  for (const answer of answers) {
    const { at } = await speaker(t, answer);
    const peer = await peekAt(`tcp://127.0.0.1:${at}`, 200);
    assert.equal(peer.kind, 'foreign', JSON.stringify({ answer: answer.slice(0, 20), peer }));
  }
});

async function speaker(t: TestContext, answer: string): Promise<{ at: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (answer !== '') socket.write(Buffer.from(answer, 'latin1'));
  });
  // All addresses, as awaitPublisher listens.
  await new Promise<void>((resolve) => server.listen(0, resolve));
  t.after(() => server.close());
  const address = server.address();
  return { at: typeof address === 'object' && address !== null ? address.port : 0 };
}
