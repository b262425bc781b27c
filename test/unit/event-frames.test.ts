// Frames from publishers that are not quite vLLM.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packr } from 'msgpackr';
import {
  PAYLOAD_BYTES_MAX,
  parseLiveFrames,
  parseReplayFrames,
  parseTopic,
  peekRank,
  peekTimestamp,
} from '../../src/events/event-frames.js';

const packr = new Packr({ useRecords: false });
const sequence = (value: bigint) => {
  const frame = Buffer.alloc(8);
  frame.writeBigInt64BE(value);
  return frame;
};
const empty = Buffer.alloc(0);

test('live messages have three frames and a number of 8 bytes', () => {
  const payload = Buffer.from([1]);
  const good = parseLiveFrames([empty, sequence(2n ** 40n), payload]);
  assert.ok(!('fault' in good) && good.sequence === 2 ** 40);
  const faults: readonly [readonly Uint8Array[], RegExp][] = [
    [[payload], /message of 1 frames/],
    [[empty, sequence(0n), payload, payload], /message of 4 frames/],
    [[empty, Buffer.alloc(4), payload], /0x00000000 \(4 bytes\)/],
    [[empty, sequence(-1n), payload], /0xffffffffffffffff/],
    [[empty, sequence(-7n), payload], /sequence frame/],
    [[empty, sequence(2n ** 60n), payload], /sequence frame/],
    [[Buffer.alloc(2000), sequence(0n), payload], /topic of 2000 bytes/],
    [[empty, sequence(0n), { length: PAYLOAD_BYTES_MAX + 1 } as Uint8Array], /payload of/],
  ];
  for (const [frames, reason] of faults) {
    const message = parseLiveFrames(frames);
    assert.match('fault' in message ? message.fault : 'taken', reason);
  }
});

test('replay replies of other shapes are faults', () => {
  for (const frames of [[], [empty], [empty, empty, empty, sequence(0n), empty]]) {
    assert.ok('fault' in parseReplayFrames(frames));
  }
  assert.ok('fault' in parseReplayFrames([empty, Buffer.alloc(3), empty]));
});

test('a topic is split at its first two @', () => {
  assert.deepEqual(parseTopic('kv@10.0.0.1:8000@org/model@v2'), {
    id: '10.0.0.1:8000',
    model: 'org/model@v2',
  });
  assert.deepEqual(parseTopic('kv@engine@'), { id: 'engine', model: '' });
  for (const topic of ['', 'kv', 'kv@engine', 'kv@@model', '@']) {
    assert.equal(parseTopic(topic), null, topic);
  }
});

test('time and rank are found without decoding, in every width of rank', () => {
  // The events end in bytes that look like heads of longer integers.
  const tricky = [0, 0xcc, 0xcd, 0xce, 0xcf].map((last) => [['BlockRemoved', [last * 256 + 0xcc]]]);
  for (const rank of [null, 0, 1, 127, 128, 192, 255, 256, 261, 65_535, 65_536, 70_000]) {
    for (const events of tricky) {
      const payload = packr.pack([1755430000.25, events, rank]);
      assert.equal(peekRank(payload), rank);
      assert.equal(peekTimestamp(payload), 1755430000.25);
    }
  }
  assert.equal(peekRank(packr.pack([1.5, []])), null);
  assert.ok(Number.isNaN(peekTimestamp(packr.pack([5, []]))));
  assert.ok(Number.isNaN(peekTimestamp(empty)));
});
