// One replay over a socket made by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestReplay } from '../../src/events/replay-client.js';
import { ReplayTurns } from '../../src/events/replay-turns.js';

const empty = Buffer.alloc(0);
const frame = (sequence: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(sequence);
  return bytes;
};
const reply = (sequence: number) => [empty, empty, frame(BigInt(sequence)), Buffer.alloc(10)];
const END = [empty, empty, frame(-1n), empty];

function socketOf(replies: readonly (readonly Uint8Array[])[]) {
  const sent: (readonly Uint8Array[])[] = [];
  const queue = [...replies];
  return {
    sent,
    closed: false,
    async send(frames: readonly Uint8Array[]) {
      sent.push(frames);
    },
    async receive() {
      const next = queue.shift();
      if (next === undefined) throw new Error('nothing came');
      return next;
    },
    close() {
      this.closed = true;
    },
  };
}

async function run(
  replies: readonly (readonly Uint8Array[])[],
  limits?: Parameters<typeof requestReplay>[3],
  wanted = Number.POSITIVE_INFINITY,
) {
  const socket = socketOf(replies);
  const got: number[] = [];
  const offer = (sequence: number) => got.push(sequence) < wanted;
  const end = await requestReplay(socket, 3, offer, limits);
  return { socket, got, end };
}

test('a replay ends with its marker', async () => {
  const { socket, got, end } = await run([reply(3), reply(4), END, reply(5)]);
  assert.equal(end, 'complete');
  assert.deepEqual(got, [3, 4]);
  assert.deepEqual(socket.sent, [[new Uint8Array(0), new Uint8Array(frame(3n))]]);
  assert.ok(socket.closed);
});

test('an offer that wants no more ends it', async () => {
  const { got, end, socket } = await run([reply(3), reply(4), reply(5)], undefined, 2);
  assert.equal(end, 'complete');
  assert.deepEqual(got, [3, 4]);
  assert.ok(socket.closed);
});

test('silence is a failure', async () => {
  const { got, end, socket } = await run([reply(3)]);
  assert.equal(end, 'failed');
  assert.deepEqual(got, [3]);
  assert.ok(socket.closed);
});

test('a reply that cannot be read is passed over', async () => {
  const { got, end } = await run([reply(3), [empty, Buffer.from('x'), empty], reply(5), END]);
  assert.equal(end, 'complete');
  assert.deepEqual(got, [3, 5]);
});

test('a replay without end is cut off', async () => {
  const endless = Array.from({ length: 50 }, (_, i) => reply(i));
  const limits = { messagesMax: 20, bytesMax: 1e9, totalMs: 1e9 };
  assert.equal((await run(endless, limits)).end, 'failed');
  assert.equal((await run(endless, limits)).got.length, 20);
  assert.equal((await run(endless, { ...limits, bytesMax: 55 })).got.length, 6);
  assert.equal((await run(endless, { ...limits, totalMs: -1 })).got.length, 1);
});

test('only so many replays run at once, the others in order', async () => {
  const turns = new ReplayTurns(2);
  const began: number[] = [];
  const ends = await Promise.all([0, 1].map((i) => turns.next().finally(() => began.push(i))));
  const third = turns.next().finally(() => began.push(2));
  const fourth = turns.next().finally(() => began.push(3));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(began, [0, 1]);
  ends[0]?.();
  ends[0]?.();
  (await third)();
  (await fourth)();
  assert.deepEqual(began, [0, 1, 2, 3]);
});
