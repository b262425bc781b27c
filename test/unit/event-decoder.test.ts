// Events that are short, long, new, wrong or hostile: each costs itself and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packr } from 'msgpackr';
import { decodeBatch } from '../../src/events/event-decoder.js';
import type { BlockStored } from '../../src/events/kv-event.js';
import { MsgpackError } from '../../src/events/msgpack-walker.js';
import { batchOf } from '../support/event-vectors.js';

const packr = new Packr({ useRecords: false });

function decode(...events: readonly unknown[]) {
  return decodeBatch(batchOf(...events.map((event) => packr.pack(event))));
}

function stored(event: unknown): BlockStored {
  const batch = decode(event);
  assert.equal(batch.malformedReason, null);
  const [first] = batch.events;
  assert.ok(first?.type === 'BlockStored');
  return first;
}

test('a shorter array leaves the missing fields null', () => {
  const event = stored(['BlockStored', [1, 2], null, [5, 6, 7, 8]]);
  assert.deepEqual([...event.blockHashes], [1n, 2n]);
  assert.equal(event.blockSize, 0);
  assert.equal(event.medium, null);
  assert.equal(event.extraKeys, null);
});

test('elements and keys of a later schema are counted and ignored', () => {
  const longer = ['BlockRemoved', [1], 'GPU', 0, null, null, 'new', 'newer'];
  const wider = { type: 'BlockRemoved', block_hashes: [2], medium: 'GPU', shiny: { deep: [1] } };
  const batch = decode(longer, wider);
  assert.equal(batch.events.length, 2);
  assert.equal(batch.unknownFields, 3);
  assert.equal(batch.malformed, 0);
});

test('an unknown tag between good events costs only itself', () => {
  const removed = (hash: number) => ({ type: 'BlockRemoved', block_hashes: [hash], medium: 'GPU' });
  const batch = decode(removed(1), { type: 'BlockInactive', block_hashes: [2] }, removed(3));
  assert.equal(batch.events.length, 2);
  assert.equal(batch.unknown, 1);
  const inArrays = decode(
    ['BlockRemoved', [1]],
    ['TierBlocksCleared', 'CPU'],
    ['AllBlocksCleared'],
  );
  assert.equal(inArrays.events.length, 2);
  assert.equal(inArrays.unknown, 1);
});

test('hashes of every form become unsigned 64-bit integers', () => {
  const digest = Buffer.alloc(32, 1);
  digest.writeBigUInt64BE(0xfedcba9876543210n, 24);
  const forms: readonly [unknown, bigint][] = [
    [0, 0n],
    [5, 5n],
    [2n ** 53n - 1n, 2n ** 53n - 1n],
    [2n ** 64n - 1n, 2n ** 64n - 1n],
    [-1, 2n ** 64n - 1n],
    [-(2n ** 63n), 2n ** 63n],
    [digest, 0xfedcba9876543210n],
    [digest.subarray(16), 0xfedcba9876543210n],
    [digest.subarray(24), 0xfedcba9876543210n],
  ];
  for (const [form, expected] of forms) {
    const event = stored(['BlockStored', [form], form, [], 0, null]);
    assert.deepEqual([...event.blockHashes], [expected]);
    assert.equal(event.parentBlockHash, expected);
  }
});

test('a digest is kept beside its low 64 bits', () => {
  const digest = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  const event = stored(['BlockStored', [digest], digest, [], 0, null]);
  assert.deepEqual(
    event.digests?.map((each) => Buffer.from(each)),
    [digest],
  );
  assert.deepEqual(Buffer.from(event.parentDigest ?? []), digest);
});

const WRONG: readonly (readonly [string, unknown, RegExp])[] = [
  ['no hashes', ['BlockStored'], /block_hashes is missing/],
  ['hash of text', ['BlockRemoved', ['x']], /block_hashes\[0\] is "x"/],
  ['hash of 20 bytes', ['BlockRemoved', [Buffer.alloc(20)]], /20 bytes, expected 8, 16 or 32/],
  ['fractional hash', ['BlockRemoved', [1.5]], /block_hashes\[0\] is 1.5/],
  ['hash of a whole float', ['BlockRemoved', [2 ** 51]], /block_hashes\[0\] is 2251799813685248/],
  ['negative token', ['BlockStored', [1], null, [-1], 16, null], /token_ids\[0\] is -1/],
  ['wide token', ['BlockStored', [1], null, [2 ** 32], 16, null], /token_ids\[0\]/],
  ['block size of text', ['BlockStored', [1], null, [], '16', null], /block_size is "16"/],
  ['medium of a number', ['BlockRemoved', [1], 7], /medium is 7/],
  [
    'extra key null',
    ['BlockStored', [1], null, [], 1, null, 'GPU', null, [[null]]],
    /extra_keys\[0\]/,
  ],
  ['neither array nor map', 'BlockStored', /neither an array nor a map/],
  ['no tag', [], /has no type/],
  ['map without type', { block_hashes: [1] }, /has no type/],
];
for (const [name, event, reason] of WRONG) {
  test(`a wrong event is counted and named: ${name}`, () => {
    const batch = decode(['BlockRemoved', [1]], event, ['BlockRemoved', [2]]);
    assert.equal(batch.events.length, 2);
    assert.equal(batch.malformed, 1);
    assert.match(batch.malformedReason ?? '', reason);
    assert.match(batch.malformedReason ?? '', /^event 1: /);
  });
}

test('an event nested too deep is dropped alone, however deep', () => {
  for (const depth of [8, 1000, 200_000]) {
    const bomb = Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])]);
    const good = packr.pack(['BlockRemoved', [7]]);
    const batch = decodeBatch(batchOf(good, bomb, good));
    assert.equal(batch.events.length, 2);
    assert.equal(batch.malformed, 1);
  }
});

test('lengths that the message does not have are refused before anything is allocated', () => {
  const heads = ['dd ff ff ff ff', 'df ff ff ff ff', 'db ff ff ff ff', 'c6 7f ff ff ff'];
  for (const head of heads) {
    const event = Buffer.from(head.replaceAll(' ', ''), 'hex');
    assert.throws(() => decodeBatch(batchOf(event)), MsgpackError);
  }
  const many = Buffer.from('93cb4059000000000000ddffffffff', 'hex');
  assert.throws(() => decodeBatch(many), MsgpackError);
});

test('extension types are refused', () => {
  for (const hex of ['d4 72 40', 'c7 01 01 00', 'd6 ff 00 00 00 00']) {
    const event = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    assert.throws(() => decodeBatch(batchOf(event)), /is not accepted/);
  }
});

test('what is no batch is an error that says why', () => {
  assert.throws(() => decodeBatch(new Uint8Array(0)), /ends at byte 0/);
  assert.throws(() => decodeBatch(packr.pack({ ts: 1 })), /expected an array/);
  assert.throws(() => decodeBatch(packr.pack([1])), /batch of 1 elements/);
  assert.throws(() => decodeBatch(packr.pack(['now', []])), /ts is not a number/);
  assert.throws(() => decodeBatch(packr.pack([1.5, [], 'zero'])), /data_parallel_rank is "zero"/);
});

test('a batch may be longer than known', () => {
  const batch = decodeBatch(packr.pack([1.5, [['AllBlocksCleared']], 3, 'future']));
  assert.equal(batch.dataParallelRank, 3);
  assert.equal(batch.events.length, 1);
});
