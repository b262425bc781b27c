// Hashes inside recorded events equal what we compute from the events' own tokens and keys.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { native } from '../../src/native.js';
import { hashPrompt, hashPromptFully } from '../../src/prefix/block-hasher.js';
import { encodeExtraKeys, extraKeysOfBlock } from '../../src/prefix/extra-keys.js';
import { proveHashing } from '../../src/prefix/hash-prover.js';
import { rootFromSeed } from '../../src/prefix/hash-root.js';
import type { HashSettings } from '../../src/prefix/hash-settings.js';
import type { PythonValue } from '../../src/prefix/python-encoder.js';
import type { StoredRun } from '../../src/prefix/stored-run.js';
import { keysOf, readHashVectorFiles, settingsOf, vectorsFolder } from '../support/hash-vectors.js';

type JsonInteger = number | { readonly int: string };

interface RecordedStored {
  readonly type: 'BlockStored';
  readonly block_hashes: readonly JsonInteger[];
  readonly parent_block_hash: JsonInteger | null;
  readonly token_ids: readonly number[];
  readonly block_size: number;
  readonly lora_id: number | null;
  readonly lora_name: string | null;
  readonly medium: string | null;
  readonly extra_keys: readonly (readonly PythonValue[] | null)[];
}
type Recorded = RecordedStored | { readonly type: 'BlockRemoved' | 'AllBlocksCleared' };

interface BlockPoolFile {
  readonly scenario: {
    readonly seed: string;
    readonly algo: 'sha256_cbor';
    readonly block_size: number;
    readonly steps: readonly { readonly events: readonly Recorded[] }[];
  };
}

function integer(value: JsonInteger): bigint {
  return BigInt(typeof value === 'number' ? value : value.int);
}

function toRun(event: RecordedStored): StoredRun {
  return {
    blockHashes: BigUint64Array.from(event.block_hashes, integer),
    parentBlockHash: event.parent_block_hash === null ? null : integer(event.parent_block_hash),
    tokenIds: Uint32Array.from(event.token_ids),
    blockSize: event.block_size,
    loraId: event.lora_id,
    loraName: event.lora_name,
    medium: event.medium,
    extraKeys: event.extra_keys,
  };
}

function readScenario(): BlockPoolFile['scenario'] {
  const text = readFileSync(new URL('block_pool_events.json', vectorsFolder), 'utf8');
  const file: BlockPoolFile = JSON.parse(text);
  return file.scenario;
}

const scenario = readScenario();
const runs = scenario.steps
  .flatMap((step) => step.events)
  .filter((event) => event.type === 'BlockStored')
  .map(toRun);

test('every block that vLLM’s block pool stored has our hash, whatever its parent', () => {
  const root = Buffer.from(rootFromSeed(scenario.algo, scenario.seed).rootHex, 'hex');
  const digestOf = new Map<bigint, Uint8Array>();
  for (const run of runs) {
    const parent = run.parentBlockHash === null ? root : digestOf.get(run.parentBlockHash);
    assert(parent !== undefined, `no event stored the parent ${run.parentBlockHash}`);
    const keyed = (run.extraKeys ?? []).flatMap((keys, block) =>
      keys === null ? [] : [{ block, bytes: encodeExtraKeys(keys, scenario.algo) }],
    );
    const digests = new Uint8Array(run.blockHashes.length * 32);
    const hashes = native.hashBlocks({
      algorithm: scenario.algo,
      root: parent,
      blockSizeTokens: run.blockSize,
      tokens: run.tokenIds,
      extraEvery: null,
      extraBlocks: Uint32Array.from(keyed, ({ block }) => block),
      extraValues: keyed.map(({ bytes }) => bytes),
      digests,
    });
    assert.deepEqual(hashes, run.blockHashes);
    hashes.forEach((hash, i) => {
      digestOf.set(hash, digests.subarray(i * 32, (i + 1) * 32));
    });
  }
  assert.equal(runs.length, 6);
});

test('runs of the block pool that begin at the root prove the engine’s settings', () => {
  const rooted = runs.filter((run) => run.parentBlockHash === null);
  assert.equal(rooted.length, 4);
  for (const run of rooted) {
    const proof = proveHashing(run, { algorithm: null, seed: null, blockSizeTokens: null });
    assert('proven' in proof, JSON.stringify(proof));
    assert.equal(proof.proven.algorithm, 'sha256_cbor');
    assert.equal(proof.proven.rootName, 'seed "42"');
    assert.equal(proof.proven.profile, 'main-2026-08-17');
  }
});

for (const file of readHashVectorFiles()) {
  test(`an event made of any golden vector proves its settings: ${file.file}`, () => {
    for (const vector of file.vectors) {
      const { seed } = vector;
      const tokenIds = vector.token_ids.slice(0, vector.event_ints.length * vector.block_size);
      // Ids this wide occur in no model and do not fit the 32 bits of decoded events.
      if (seed === null || tokenIds.length === 0 || tokenIds.some((id) => id > 0xffffffff))
        continue;
      const { loraName, loraIntId } = keysOf(vector);
      const run: StoredRun = {
        blockHashes: BigUint64Array.from(vector.event_ints, BigInt),
        parentBlockHash: null,
        tokenIds: Uint32Array.from(tokenIds),
        blockSize: vector.block_size,
        loraId: loraIntId,
        loraName,
        medium: 'GPU',
        extraKeys: vector.extra_keys,
      };
      const proof = proveHashing(run, { algorithm: null, seed, blockSizeTokens: null });
      assert('proven' in proof, `${vector.name}: ${JSON.stringify(proof)}`);
      const settings = settingsOf(file, vector);
      assert.equal(proof.proven.algorithm, settings.algorithm);
      assert.equal(proof.proven.rootHex, settings.rootHex);
      // Several profiles may give a run the same keys; each one named has to.
      for (const profile of [proof.proven.profile, ...proof.otherProfiles]) {
        const keys = vector.extra_keys.map((_, block) =>
          extraKeysOfBlock(keysOf(vector), profile, vector.block_size, block),
        );
        assert.deepEqual(keys, vector.extra_keys, `${vector.name} under ${profile}`);
      }
    }
  });
}

/** Comes from a third party and is not part of the project; lies beside a full checkout. */
const realEngineFile = ['../../../../shared/', '../../../../../shared/']
  .map((folder) => new URL(`${folder}vectors/real_engine_qwen3_0.6b_block16.json`, import.meta.url))
  .find((file) => existsSync(file));

test('an event of a running engine has our hashes', {
  skip: realEngineFile === undefined && 'real-engine vector not present',
}, () => {
  assert(realEngineFile !== undefined);
  const text = readFileSync(realEngineFile, 'utf8');
  // Its hashes are bare integers above 2^53, which JSON.parse would round.
  const recorded: RealEngineEvent = JSON.parse(text.replace(/\b\d{16,20}\b/g, '"$&"'));
  const settings: HashSettings = {
    algorithm: 'sha256_cbor',
    ...rootFromSeed('sha256_cbor', recorded.hash_seed),
    blockSizeTokens: recorded.block_size,
    profile: 'main-2026-08-17',
  };
  const tokens = Uint32Array.from(recorded.token_ids);
  assert.equal(recorded.block_hashes.length, 25);
  assert.deepEqual(
    [...hashPrompt(tokens, settings)].map(String),
    recorded.block_hashes.map(String),
  );
  assert.equal(hashPromptFully(tokens, settings).digests.length, 25 * 32);
});

interface RealEngineEvent {
  readonly block_hashes: readonly (string | number)[];
  readonly token_ids: readonly number[];
  readonly block_size: number;
  readonly hash_seed: string;
}
