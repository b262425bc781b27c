// A snapshot of a big index to a file and back, as a router that stops and starts again does it, but
// with the event thread's part on the same thread: nothing of it overlaps with the compression.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventSource } from '../../src/events/event-messages.js';
import { SnapshotDesk, type SnapshotFeed } from '../../src/events/snapshot-desk.js';
import { TIER } from '../../src/native.js';
import { PrefixIndex } from '../../src/prefix/prefix-index.js';
import { takeSnapshot } from '../../src/replica/snapshot-reader.js';
import { writeSnapshot } from '../../src/replica/snapshot-writer.js';
import { StateFile } from '../../src/replica/state-file.js';
import { type BenchResult, percentile } from '../bench-result.js';

const PROMPT_BLOCKS = 128;
const ENDPOINTS = 1024;
const HOLDERS = 4;
const INDEX_BYTES = 4 * 2 ** 30;
const SETTINGS = {
  ...({ algorithm: 'sha256_cbor', profile: 'main-2026-08-17', blockSizeTokens: 16 } as const),
  ...{ rootHex: '00'.repeat(32), rootName: 'bench' },
};

export async function measureSnapshot(blocks: number): Promise<BenchResult[]> {
  const sources = Array.from({ length: ENDPOINTS }, (_, slot) => sourceOf(slot));
  const title = `snapshot of ${blocks / 1e6}M blocks, ${ENDPOINTS} endpoints, ${HOLDERS} holders`;
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-bench-'));
  const file = new StateFile(folder);
  try {
    const full = filled(blocks);
    const steps: number[] = [];
    const writeMs = await timed(() =>
      file.write(writeSnapshot(deskOf(full, sources, steps), 'bench')),
    );
    const exact = full.stats();
    full.close();
    const bytes = statSync(file.path).size;
    const empty = PrefixIndex.open({ maxBytes: INDEX_BYTES });
    const loadMs = await timed(() =>
      takeSnapshot(file.read(), deskOf(empty, sources, []), sources),
    );
    if (empty.stats().blocks !== exact.blocks) {
      throw new Error(`${empty.stats().blocks} blocks came of ${exact.blocks}`);
    }
    empty.close();
    return [
      {
        ...{ name: `${title}: write`, value: writeMs / 1000, unit: 's', bytes },
        ...{ bytes_a_block: bytes / blocks, ...shares(steps) },
      },
      { name: `${title}: load`, value: loadMs / 1000, unit: 's', blocks: exact.blocks },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Microseconds in which the event thread would do nothing else. */
function shares(steps: number[]) {
  steps.sort((a, b) => a - b);
  return { step_us_p50: percentile(steps, 0.5), step_us_p99: percentile(steps, 0.99) };
}

function filled(blocks: number): PrefixIndex {
  const index = PrefixIndex.open({ maxBytes: INDEX_BYTES });
  const hashes = new BigUint64Array(PROMPT_BLOCKS);
  // SplitMix64: block hashes are random, which is what compression has to deal with.
  let state = 1n;
  const next = () => {
    state += 0x9e3779b97f4a7c15n;
    const a = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    return BigInt.asUintN(64, a ^ (a >> 27n)) * 0x94d049bb133111ebn;
  };
  for (let prompt = 0; prompt * PROMPT_BLOCKS < blocks; prompt += 1) {
    for (let i = 0; i < PROMPT_BLOCKS; i += 1) hashes[i] = next();
    for (let holder = 0; holder < HOLDERS; holder += 1) {
      index.store((prompt * 7 + holder * (ENDPOINTS / HOLDERS)) % ENDPOINTS, TIER.gpu, hashes);
    }
  }
  return index;
}

/** The event thread's end without the thread; microseconds of each step of an export go to `steps`. */
function deskOf(index: PrefixIndex, sources: readonly EventSource[], steps: number[]) {
  const feeds = sources.map((source): SnapshotFeed => {
    const streams = [{ publisher: 0, sequence: 1, ts: 1 }];
    const position = { slot: source.slot, settings: SETTINGS, groups: [1], streams };
    return { source, position: () => position };
  });
  const desk = new SnapshotDesk(index.native, () => feeds);
  return {
    async export(step: 'begin' | 'next' | 'cancel') {
      const begunMs = performance.now();
      const answer = desk.export({ type: 'export', step });
      steps.push((performance.now() - begunMs) * 1000);
      return answer;
    },
    async import(command: Parameters<SnapshotDesk['import']>[0]) {
      return desk.import(command);
    },
  };
}

function sourceOf(slot: number): EventSource {
  return {
    ...{ slot, name: `engine-${slot}`, epoch: slot + 1, connect: 'tcp://127.0.0.1:1' },
    ...{ replay: null, host: `10.0.${slot >> 8}.${slot & 255}`, port: 8000, model: 'model' },
    dataParallelRank: null,
    expected: { algorithm: null, seed: null, blockSizeTokens: null },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now();
  await work();
  return performance.now() - begunMs;
}
