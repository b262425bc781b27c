import assert from 'node:assert/strict';
import test from 'node:test';
import type { EventSource } from '../../src/events/event-messages.js';
import { SnapshotDesk, type SnapshotFeed } from '../../src/events/snapshot-desk.js';
import type { EndpointPosition } from '../../src/events/snapshot-messages.js';
import { type NativeSnapshotIndex, TIER } from '../../src/native.js';
import { PrefixIndex } from '../../src/prefix/prefix-index.js';
import { takeSnapshot } from '../../src/replica/snapshot-reader.js';
import { writeSnapshot } from '../../src/replica/snapshot-writer.js';

const SETTINGS = {
  algorithm: 'sha256_cbor',
  rootHex: 'ab'.repeat(32),
  rootName: 'given root',
  blockSizeTokens: 16,
  profile: 'main-2026-08-17',
} as const;

function source(slot: number, name: string): EventSource {
  return {
    ...{ slot, name, epoch: slot + 1, connect: 'tcp://127.0.0.1:1', replay: null },
    ...{ host: name, port: 8000, model: 'model', dataParallelRank: null },
    expected: { algorithm: null, seed: null, blockSizeTokens: null },
  };
}

function positionOf(slot: number): EndpointPosition {
  const streams = [{ publisher: 0, sequence: 7 + slot, ts: 1234.5 }];
  return { slot, settings: SETTINGS, groups: [1, 0, 0, 0, 0, 0, 0, 0], streams };
}

/** The event thread's end without the thread. */
function threadOf(index: PrefixIndex, feeds: readonly SnapshotFeed[] = []) {
  const native: NativeSnapshotIndex = index.native;
  const desk = new SnapshotDesk(native, () => feeds);
  return {
    desk,
    export: async (step: 'begin' | 'next' | 'cancel') => desk.export({ type: 'export', step }),
    import: async (command: Parameters<SnapshotDesk['import']>[0]) => desk.import(command),
  };
}

/** What the desk asks of a feed. */
function feedOf(slot: number, name: string, position: EndpointPosition | null): SnapshotFeed {
  return { source: source(slot, name), position: () => position };
}

async function written(): Promise<Buffer> {
  const index = PrefixIndex.open({ maxBytes: 2 ** 26 });
  const blocks = BigUint64Array.from({ length: 5000 }, (_, i) => BigInt(i) * 7919n);
  index.store(0, TIER.gpu, blocks);
  index.store(1, TIER.cpu, blocks.subarray(0, 100));
  index.store(2, TIER.gpu, blocks.subarray(0, 50));
  const feeds = [
    feedOf(0, 'a', positionOf(0)),
    feedOf(1, 'b', positionOf(1)),
    feedOf(2, 'in doubt', null),
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of writeSnapshot(threadOf(index, feeds), '1.2.3')) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Buffer, size = 1000) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const SOURCES = [source(9, 'a'), source(4, 'b'), source(5, 'in doubt')];

test('a snapshot brings blocks and positions to endpoints in other slots', async () => {
  const index = PrefixIndex.open({ maxBytes: 2 ** 26 });
  const thread = threadOf(index);
  const taken = await takeSnapshot(pieces(await written()), thread, SOURCES);
  assert.equal(taken.software, '1.2.3');
  assert.equal(taken.endpoints, 2);
  assert.equal(index.blocksOf(9, TIER.gpu), 5000);
  assert.equal(index.blocksOf(4, TIER.cpu), 100);
  assert.equal(index.stats().blocks, 5000);
  assert.deepEqual(thread.desk.claim(9)?.position, { ...positionOf(0), slot: 9 });
  assert.deepEqual(thread.desk.claim(4)?.position, { ...positionOf(1), slot: 4 });
  assert.equal(thread.desk.claim(9), null, 'a position is given once');
});

test('what is said of an endpoint in doubt does not count', async () => {
  const index = PrefixIndex.open({ maxBytes: 2 ** 26 });
  const thread = threadOf(index);
  await takeSnapshot(pieces(await written()), thread, SOURCES);
  assert.equal(thread.desk.claim(5), null);
  assert.equal(index.match(BigUint64Array.of(0n)).length / 3, 2);
});

test('a snapshot that is cut off, damaged, old or foreign is refused and leaves nothing', async () => {
  const good = await written();
  const damaged = Buffer.from(good);
  damaged[good.length >> 1] = (damaged[good.length >> 1] ?? 0) ^ 0x10;
  const old = Buffer.from(good);
  old.writeUInt32LE(0, 8);
  const cases: [Buffer, RegExp][] = [
    [good.subarray(0, good.length - 1), /cut off/],
    [good.subarray(0, good.length >> 1), /cut off/],
    [Buffer.alloc(0), /cut off/],
    [Buffer.from('PK and something else'), /no snapshot of Warmpath/],
    [damaged, /damaged: its checksum differs/],
    [old, /version 0, and this router reads version 1/],
  ];
  for (const [bytes, reason] of cases) {
    const index = PrefixIndex.open({ maxBytes: 2 ** 26 });
    const thread = threadOf(index);
    await assert.rejects(takeSnapshot(pieces(bytes), thread, SOURCES), reason);
    assert.equal(index.match(BigUint64Array.of(0n)).length, 0, String(reason));
    assert.equal(thread.desk.claim(9), null);
  }
  const index = PrefixIndex.open({ maxBytes: 2 ** 26 });
  const foreign = takeSnapshot(pieces(good), threadOf(index), [source(1, 'elsewhere')]);
  await assert.rejects(foreign, /none of its 3 endpoints is one of ours/);
});

test('one snapshot is written at a time, and one given up makes room for the next', async () => {
  const thread = threadOf(PrefixIndex.open({ maxBytes: 2 ** 26 }));
  const first = writeSnapshot(thread, '1');
  await first.next();
  await assert.rejects(writeSnapshot(thread, '1').next(), /another snapshot is being written/);
  await first.return(undefined);
  const third = await writeSnapshot(thread, '1').next();
  assert.equal(third.done, false);
});

test('a snapshot that died with its thread does not keep the next thread from writing one', async () => {
  const index = PrefixIndex.open({ maxBytes: 2 ** 26 });
  const first = writeSnapshot(threadOf(index), '1');
  await first.next();
  const next = await writeSnapshot(threadOf(index), '1').next();
  assert.equal(next.done, false);
});
