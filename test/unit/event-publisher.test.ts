import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Dealer, Request, Subscriber } from 'zeromq';
import { addressOfRank, isBindAddress } from '../../src/sim/event-address.js';
import { EventEncoder } from '../../src/sim/event-encoder.js';
import { EventPublisher, type PublisherOptions } from '../../src/sim/event-publisher.js';

interface Run {
  readonly schema: string;
  readonly buffer_steps: number;
  readonly data_parallel_rank: number;
  readonly topic: string;
  readonly live_frames_hex: readonly (readonly string[])[];
  readonly replay_dealer_frames_hex: readonly (readonly string[])[];
  readonly replay_start_seq_3: readonly (readonly string[])[];
  readonly replay_future: readonly (readonly string[])[];
  readonly replay_via_REQ_first_reply: readonly (readonly string[])[];
}
const { runs }: { readonly runs: readonly Run[] } = JSON.parse(
  readFileSync(new URL('../../../test/vectors/zmq_frames.json', import.meta.url), 'utf8'),
);

const hex = (frames: readonly Buffer[]) => frames.map((frame) => frame.toString('hex'));

async function startPublisher(
  context: TestContext,
  options: Partial<PublisherOptions> = {},
): Promise<EventPublisher> {
  const publisher = await EventPublisher.start({
    endpoint: 'tcp://127.0.0.1:*',
    replayEndpoint: 'tcp://127.0.0.1:*',
    topic: 'kv@a@model',
    dataParallelRank: 0,
    bufferSteps: 100,
    replayHasTopic: true,
    ...options,
  });
  context.after(() => publisher.close());
  return publisher;
}

/** Subscribes, and waits until the subscription has reached the publisher. */
async function subscribe(context: TestContext, publisher: EventPublisher): Promise<Subscriber> {
  const subscriber = new Subscriber({ receiveTimeout: 5000 });
  context.after(() => subscriber.close());
  subscriber.subscribe('');
  subscriber.connect(publisher.address);
  let joined = false;
  const probe = (async () => {
    while (!joined) {
      publisher.sendRaw([Buffer.from('probe')]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    publisher.sendRaw([Buffer.from('last probe')]);
  })();
  await subscriber.receive();
  joined = true;
  await probe;
  for (;;) {
    const [frame] = await subscriber.receive();
    if (frame?.toString() === 'last probe') return subscriber;
  }
}

async function receive(subscriber: Subscriber, count: number): Promise<string[][]> {
  const messages: string[][] = [];
  while (messages.length < count) messages.push(hex(await subscriber.receive()));
  return messages;
}

/** Asks for a replay and reads up to the end marker. */
async function replay(publisher: EventPublisher, start: bigint): Promise<string[][]> {
  const dealer = new Dealer({ receiveTimeout: 5000, linger: 0 });
  dealer.connect(publisher.replayAddress ?? '');
  await dealer.send([Buffer.alloc(0), sequence(start)]);
  const messages: string[][] = [];
  for (;;) {
    const frames = hex(await dealer.receive());
    messages.push(frames);
    if (frames.at(-2) === 'f'.repeat(16)) break;
  }
  dealer.close();
  return messages;
}

function sequence(value: bigint): Buffer {
  const frame = Buffer.alloc(8);
  frame.writeBigInt64BE(value);
  return frame;
}

for (const run of runs) {
  test(`${run.schema}: live and replay frames equal those of vLLM's publisher`, async (t) => {
    const publisher = await startPublisher(t, {
      topic: run.topic,
      bufferSteps: run.buffer_steps,
      dataParallelRank: run.data_parallel_rank,
      replayHasTopic: run.schema === 'main',
    });
    const subscriber = await subscribe(t, publisher);
    const encoder = new EventEncoder('S9');
    run.live_frames_hex.forEach((_, i) => {
      const removed = {
        type: 'BlockRemoved',
        block_hashes: [BigInt(i + 1)],
        medium: 'GPU',
      } as const;
      publisher.publish(encoder.encodeBatch(100 + i, [removed], run.data_parallel_rank));
    });
    assert.deepEqual(await receive(subscriber, run.live_frames_hex.length), run.live_frames_hex);
    assert.deepEqual(await replay(publisher, 0n), run.replay_dealer_frames_hex);
    assert.deepEqual(await replay(publisher, 3n), run.replay_start_seq_3);
    assert.deepEqual(await replay(publisher, 99n), run.replay_future);

    const request = new Request({ receiveTimeout: 5000, linger: 0 });
    request.connect(publisher.replayAddress ?? '');
    await request.send(sequence(0n));
    assert.deepEqual([hex(await request.receive())], run.replay_via_REQ_first_reply);
    request.close();
  });
}

test('a dropped message can be replayed, unless it was not kept', async (t) => {
  const publisher = await startPublisher(t);
  const subscriber = await subscribe(t, publisher);
  const dropNext = (fromHistory: boolean) => {
    publisher.faults.dropShare = 1;
    publisher.faults.dropFromHistory = fromHistory;
    publisher.publish(Buffer.from('dropped'));
    publisher.faults.dropShare = 0;
  };
  publisher.publish(Buffer.from('first'));
  dropNext(false);
  dropNext(true);
  publisher.publish(Buffer.from('last'));
  const live = await receive(subscriber, 2);
  assert.deepEqual(
    live.map(([, number]) => number),
    ['0000000000000000', '0000000000000003'],
  );
  const replayed = await replay(publisher, 0n);
  assert.deepEqual(
    replayed.map((frames) => frames.at(-2)),
    ['0000000000000000', '0000000000000001', '0000000000000003', 'ffffffffffffffff'],
  );
});

test('replays can come twice and backwards, or not at all', async (t) => {
  const publisher = await startPublisher(t, { replayHasTopic: false });
  for (const text of ['a', 'b']) publisher.publish(Buffer.from(text));
  Object.assign(publisher.faults, { replayTwice: true, replayReversed: true });
  const numbers = (await replay(publisher, 0n)).map(([, number]) => Number(`0x${number}`));
  assert.deepEqual(numbers.slice(0, 4), [1, 1, 0, 0]);

  publisher.faults.replaySilent = true;
  const dealer = new Dealer({ receiveTimeout: 50, linger: 0 });
  t.after(() => dealer.close());
  dealer.connect(publisher.replayAddress ?? '');
  await dealer.send([Buffer.alloc(0), sequence(0n)]);
  await assert.rejects(dealer.receive(), { code: 'EAGAIN' });
});

test('a malformed replay request is ignored and the next one is answered', async (t) => {
  const publisher = await startPublisher(t);
  const dealer = new Dealer({ receiveTimeout: 5000, linger: 0 });
  t.after(() => dealer.close());
  dealer.connect(publisher.replayAddress ?? '');
  await dealer.send([sequence(0n)]);
  await dealer.send([Buffer.alloc(0), Buffer.from('short')]);
  await dealer.send([Buffer.alloc(0), sequence(0n), Buffer.alloc(1)]);
  await dealer.send([Buffer.alloc(0), sequence(0n)]);
  assert.deepEqual(hex(await dealer.receive()), ['', '', 'f'.repeat(16), '']);
});

test('delayed messages keep their order, and silence uses up numbers', async (t) => {
  const publisher = await startPublisher(t);
  const subscriber = await subscribe(t, publisher);
  publisher.faults.delayMs = 30;
  const sentMs = performance.now();
  publisher.publish(Buffer.from('slow'));
  publisher.faults.delayMs = 0;
  publisher.publish(Buffer.from('quick'));
  const [slow, quick] = await receive(subscriber, 2);
  assert.ok(performance.now() - sentMs >= 29);
  assert.deepEqual([slow?.[1], quick?.[1]], ['0000000000000000', '0000000000000001']);

  publisher.faults.silent = true;
  publisher.publish(Buffer.from('never sent'));
  publisher.faults.silent = false;
  publisher.publish(Buffer.from('sent'));
  const [sent] = await receive(subscriber, 1);
  assert.equal(sent?.[1], '0000000000000003');
});

test('a restart begins at number 0 with nothing to replay', async (t) => {
  const publisher = await startPublisher(t);
  const subscriber = await subscribe(t, publisher);
  for (const text of ['a', 'b']) publisher.publish(Buffer.from(text));
  await receive(subscriber, 2);
  publisher.restart();
  assert.deepEqual(await replay(publisher, 0n), [['', '', 'f'.repeat(16), '']]);
  publisher.publish(Buffer.from('c'));
  const [message] = await receive(subscriber, 1);
  assert.equal(message?.[1], '0000000000000000');
});

test('a plain host address is connected to, as vLLM does in central mode', async (t) => {
  const subscriber = new Subscriber({ receiveTimeout: 5000 });
  t.after(() => subscriber.close());
  subscriber.subscribe('kv@');
  await subscriber.bind('tcp://127.0.0.1:*');
  const publisher = await startPublisher(t, {
    endpoint: subscriber.lastEndpoint ?? '',
    replayEndpoint: null,
  });
  assert.equal(publisher.replayAddress, null);
  // A message may be lost while the connection is made: publish until one arrives.
  let arrived = false;
  const sender = (async () => {
    while (!arrived) {
      publisher.publish(Buffer.from('hello'));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const [topic] = await subscriber.receive();
  arrived = true;
  await sender;
  assert.equal(topic?.toString(), 'kv@a@model');
});

test('a taken address is an error that names it', async (t) => {
  const publisher = await startPublisher(t);
  const port = publisher.address.slice(publisher.address.lastIndexOf(':'));
  await assert.rejects(
    startPublisher(t, { endpoint: `tcp://*${port}`, replayEndpoint: null }),
    new RegExp(`cannot bind event address tcp://\\*${port}`),
  );
});

test('addresses follow the rules of vLLM', () => {
  assert.equal(addressOfRank('tcp://*:5557', 0), 'tcp://*:5557');
  assert.equal(addressOfRank('tcp://*:5557', 3), 'tcp://*:5560');
  assert.equal(addressOfRank('tcp://127.0.0.1:*', 3), 'tcp://127.0.0.1:*');
  assert.equal(addressOfRank('inproc://kv', 2), 'inproc://kv_dp2');
  assert.throws(() => addressOfRank('ipc:///tmp/kv', 1), /rank 1 needs a tcp address/);
  assert.throws(() => addressOfRank('tcp://*:port', 1), /no port/);
  const bound = ['tcp://*:1', 'tcp://[::]:1', 'ipc://x', 'inproc://x'].map(isBindAddress);
  assert.deepEqual(bound, [true, true, true, true]);
  assert.equal(isBindAddress('tcp://router:5557'), false);
});
