// The native walker does to the index what the readable decoder says that the batch means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packr } from 'msgpackr';
import { tierOf } from '../../src/events/event-applier.js';
import { decodeBatch } from '../../src/events/event-decoder.js';
import { GroupFilter } from '../../src/events/group-filter.js';
import { hasKeys } from '../../src/events/kv-event.js';
import { MsgpackError } from '../../src/events/msgpack-walker.js';
import { EVENT_COUNT, EVENT_COUNTS, EVENT_GROUP_WORDS, native, TIER } from '../../src/native.js';
import { batchOf, readVectors, type SchemaVectors } from '../support/event-vectors.js';
import { NaivePrefixIndex } from '../support/naive-prefix-index.js';
import { runSeed, seededRandom } from '../support/random.js';

const ENDPOINT = 5;
const TIERS = [TIER.gpu, TIER.cpu, TIER.storage] as const;

type Counts = Record<keyof typeof EVENT_COUNT, number>;

/** An endpoint as the native walker and as the decoder keep it. */
class BothWays {
  readonly index = new native.PrefixIndex({ maxBytes: 2 ** 26 });
  readonly naive = new NaivePrefixIndex();
  readonly #groups = new Uint32Array(EVENT_GROUP_WORDS);
  readonly #filter = new GroupFilter();
  readonly #counts = new Float64Array(EVENT_COUNTS);
  readonly rank: number | null;

  constructor(rank: number | null = null) {
    this.rank = rank;
  }

  walk(payload: Uint8Array): Counts | string {
    const fault = native.applyEvents(
      this.index,
      ENDPOINT,
      this.rank,
      payload,
      this.#groups,
      this.#counts,
    );
    if (fault !== null) return fault;
    const names = Object.entries(EVENT_COUNT);
    return Object.fromEntries(names.map(([name, i]) => [name, this.#counts[i]])) as Counts;
  }

  decode(payload: Uint8Array): Counts {
    const batch = decodeBatch(payload);
    const counts: Counts = {
      timestamp: batch.ts,
      rank: batch.dataParallelRank ?? -1,
      stored: 0,
      removed: 0,
      cleared: 0,
      malformed: batch.malformed,
      ignored: batch.unknown,
      unknownFields: batch.unknownFields,
      storedBlocks: 0,
      removedBlocks: 0,
      lostRemovals: batch.lostRemovals,
      keyedRoots: 0,
      rootBlockSize: 0,
    };
    if (this.rank !== null && counts.rank >= 0 && counts.rank !== this.rank) {
      counts.ignored += batch.events.length;
      counts.lostRemovals = 0;
      return counts;
    }
    for (const event of batch.events) {
      if (event.type === 'AllBlocksCleared') {
        counts.cleared += 1;
        this.naive.clear(ENDPOINT, TIER.gpu);
      } else if (event.type === 'BlockStored' && this.#filter.takesStored(event)) {
        counts.stored += 1;
        if (event.parentBlockHash === null && event.tokenIds.length > 0) {
          counts.keyedRoots += hasKeys(event) ? 1 : 0;
          counts.rootBlockSize = Math.max(counts.rootBlockSize, event.blockSize);
        }
        const tier = tierOf(event.medium);
        counts.storedBlocks += this.naive.store(ENDPOINT, tier, event.blockHashes);
      } else if (event.type === 'BlockRemoved' && this.#filter.takesRemoved(event)) {
        counts.removed += 1;
        const tier = tierOf(event.medium);
        counts.removedBlocks += this.naive.remove(ENDPOINT, tier, event.blockHashes);
      } else counts.ignored += 1;
    }
    return counts;
  }

  /** Takes every copy out of the native index: as many as the naive one has, and no more. */
  assertSameBlocks(): void {
    for (const tier of TIERS) {
      const hashes = this.naive.hashesOf(ENDPOINT, tier);
      assert.equal(this.index.blocksOf(ENDPOINT, tier), hashes.length);
      for (const hash of hashes) {
        const one = BigUint64Array.of(hash);
        for (let copy = this.naive.copiesOfBlock(ENDPOINT, tier, hash); copy > 0; copy -= 1) {
          assert.equal(this.index.remove(ENDPOINT, tier, one), 1);
        }
        assert.equal(this.index.remove(ENDPOINT, tier, one), 0);
      }
      assert.equal(this.index.blocksOf(ENDPOINT, tier), 0);
    }
  }
}

const { schemas } = readVectors('kv_events.json') as { readonly schemas: readonly SchemaVectors[] };

for (const { schema, events, batches } of schemas) {
  test(`${schema}: every event and batch has the effect that it describes`, () => {
    const all = new BothWays();
    const payloads = [
      ...events.map(({ event_hex: hex }) => batchOf(Buffer.from(hex, 'hex'))),
      ...batches.map(({ payload_hex: hex }) => Buffer.from(hex, 'hex')),
    ];
    for (const payload of payloads) {
      const alone = new BothWays();
      assert.deepEqual(alone.walk(payload), alone.decode(payload));
      alone.assertSameBlocks();
      assert.deepEqual(all.walk(payload), all.decode(payload));
    }
    all.assertSameBlocks();
  });
}

test("the recorded BlockPool's events leave the blocks that it says", () => {
  const { scenario } = readVectors('block_pool_events.json') as {
    scenario: { steps: { step: string; payload_hex: string | null }[] };
  };
  // Distinct blocks and copies after each step (vectors/README).
  const held = [2, 2, 3, 3, 3, 4, 3, 4, 6, 7, 7, 7, 0, 0, 4, 4];
  const both = new BothWays();
  scenario.steps.forEach(({ step, payload_hex: hex }, i) => {
    if (hex !== null) {
      const payload = Buffer.from(hex, 'hex');
      assert.deepEqual(both.walk(payload), both.decode(payload), step);
    }
    assert.equal(both.index.blocksOf(ENDPOINT, TIER.gpu), held[2 * i], step);
    assert.equal(both.naive.copiesOf(ENDPOINT), held[2 * i + 1], step);
  });
  both.assertSameBlocks();
});

const packr = new Packr({ useRecords: false });
const int = seededRandom(runSeed);
const random = (below: number) => Math.floor(int() * below);
const pick = <T>(values: readonly T[]): T => values[random(values.length)] as T;

function randomHash(): unknown {
  // Few values, so that removals meet what was stored, in every form that a hash has had.
  const value = BigInt.asUintN(64, BigInt(random(60)) * 0x0432_1098_7654_3211n);
  const digest = (size: number) => {
    const bytes = Buffer.alloc(size, 7);
    bytes.writeBigUInt64BE(value, size - 8);
    return bytes;
  };
  return pick([() => value, () => BigInt.asIntN(64, value), () => digest(16), () => digest(32)])();
}

const FLOAT_ZEROS = [Buffer.of(0xca, 0, 0, 0, 0), Buffer.of(0xcb, 0, 0, 0, 0, 0, 0, 0, 0)];
const BAD_HASHES: readonly unknown[] = [null, 'x', Buffer.alloc(20), true, [1], new Map()];

function randomFields(tag: string): [string, unknown][] {
  const hashes = Array.from({ length: random(20) }, randomHash);
  if (random(15) === 0) hashes.splice(random(hashes.length + 1), 0, pick(BAD_HASHES));
  const medium = pick([null, 'GPU', 'gpu', 'CPU', 'cpu', 'FS', 'OBJ', 'STORAGE', 'Disk']);
  const group = pick([null, null, 0, 0, 1, 2, 255]);
  const blocks: [string, unknown] = ['block_hashes', random(30) === 0 ? null : hashes];
  const last: [string, unknown][] = [
    ['locality', pick([null, 'LOCAL'])],
    ['ownership', null],
  ];
  if (tag === 'BlockRemoved') return [blocks, ['medium', medium], ['group_idx', group], ...last];
  return [
    blocks,
    ['parent_block_hash', random(2) === 0 ? null : randomHash()],
    ['token_ids', Array.from({ length: random(200) }, () => random(2 ** pick([7, 8, 16, 17, 32])))],
    ['block_size', 16],
    ['lora_id', pick([null, 3])],
    ['medium', medium],
    ['lora_name', pick([null, 'adapter'])],
    ['extra_keys', pick([null, [null], [['a', 's'], [['image', -3]], [Buffer.alloc(32)]]])],
    ['group_idx', group],
    ['kv_cache_spec_kind', pick([null, null, 'full_attention', 'mla_attention', 'mamba'])],
    ['kv_cache_spec_sliding_window', null],
    ...last,
    ['session_id', null],
  ];
}

function randomEvent(): unknown {
  const kind = random(40);
  if (kind === 0) return pick<unknown>([7, null, 'BlockStored', [], new Map(), [3, 4], 'x']);
  if (kind === 1) return pick<unknown>([['BlockMoved', [1]], new Map([['type', 'Other']])]);
  if (kind === 2)
    return pick<unknown>([['AllBlocksCleared'], new Map([['type', 'AllBlocksCleared']])]);
  const tag = kind < 24 ? 'BlockStored' : 'BlockRemoved';
  const fields = randomFields(tag);
  if (random(2) === 0) {
    // Older generations are shorter, newer ones may be longer.
    const length = pick([fields.length, 1, 2, 6, fields.length + 1]);
    const values = [...fields.map(([, value]) => value), 'newer'].slice(0, length);
    return [tag, ...values];
  }
  const named: [string, unknown][] = [['type', tag], ...fields];
  const present = named.filter(([, value]) => value !== null || random(2) === 0);
  if (random(4) === 0) present.push(['newer', { deep: [1, { er: 'x' }] }]);
  // The order of keys carries no meaning.
  if (random(4) === 0) present.reverse();
  return new Map(present);
}

test('random batches, with faults among them, have the effect that the decoder finds', () => {
  const both = new BothWays(1);
  for (let i = 0; i < 3000; i += 1) {
    const batch: unknown[] = [1000.5 + i, Array.from({ length: random(8) }, randomEvent)];
    if (random(5) > 0) batch.push(pick([null, 1, 1, 1, 2, 70000]));
    const payload = packr.pack(batch);
    assert.deepEqual(both.walk(payload), both.decode(payload), `batch ${i}`);
  }
  both.assertSameBlocks();
});

test('no change of a byte and no cut harms, and a batch that breaks off changes nothing', () => {
  const both = new BothWays();
  for (let i = 0; i < 4000; i += 1) {
    const payload = packr.pack([1, Array.from({ length: 1 + random(4) }, randomEvent), null]);
    const broken: Buffer = random(3) === 0 ? payload.subarray(0, random(payload.length)) : payload;
    for (let flips = random(4); flips > 0 && broken.length > 0; flips -= 1) {
      broken[random(broken.length)] = random(256);
    }
    const before = TIERS.map((tier) => both.index.blocksOf(ENDPOINT, tier));
    const walked = both.walk(broken);
    const decoded = readable(broken);
    if (typeof walked === 'string') {
      assert.deepEqual(
        TIERS.map((tier) => both.index.blocksOf(ENDPOINT, tier)),
        before,
      );
      assert.equal(decoded, null, `batch ${i}: ${walked}`);
    } else if (decoded !== null) {
      // The walker looks at the fields that it needs, the decoder at all. But msgpackr does not tell
      // whether a 0 was a float, which is no hash.
      const isUnsure = FLOAT_ZEROS.some((zero) => broken.includes(zero));
      const faults = decoded.malformed + (isUnsure ? 1 : 0);
      assert.ok(walked.malformed <= faults, `batch ${i}`);
    }
  }
});

function readable(payload: Uint8Array): { malformed: number } | null {
  try {
    return decodeBatch(payload);
  } catch (error) {
    if (error instanceof MsgpackError) return null;
    throw error;
  }
}

test('wrong arguments are refused by name', () => {
  const index = new native.PrefixIndex({ maxBytes: 2 ** 20 });
  const groups = new Uint32Array(EVENT_GROUP_WORDS);
  const counts = new Float64Array(EVENT_COUNTS);
  const payload = new Uint8Array(1);
  const call = (...parameters: unknown[]) => Reflect.apply(native.applyEvents, native, parameters);
  assert.throws(() => call({}, 0, null, payload, groups, counts), /index must be a PrefixIndex/);
  assert.throws(() => call(index, 4096, null, payload, groups, counts), /endpoint must be/);
  assert.throws(() => call(index, 0, -1, payload, groups, counts), /rank must be an integer/);
  assert.throws(() => call(index, 0, null, 'x', groups, counts), /payload must be a Uint8Array/);
  assert.throws(
    () => call(index, 0, null, payload, counts, counts),
    /groups must be a Uint32Array/,
  );
  assert.throws(
    () => call(index, 0, null, payload, groups, groups),
    /counts must be a Float64Array/,
  );
  assert.throws(
    () => call(index, 0, null, payload, groups, new Float64Array(3)),
    /counts must be a Float64Array of 13/,
  );
});
