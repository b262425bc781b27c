// Hashing the blocks of one prompt of 8192 tokens, called from JavaScript as the router does.
//
// `ratio` compares with the compression floor: what SHA-256 alone needs for as many 64-byte
// compressions as the blocks' messages have, measured in turns with the hasher. It is taken from the
// fastest samples of both, because a busy neighbour on the same core slows the floor, which waits
// for latencies, less than the hasher; `ratioP50` shows what was left of it in this run.
// Both would lie if token ids were smaller than a model's, since shorter messages need fewer
// compressions: ids are spread evenly over a vocabulary of 151936.
import { createHash } from 'node:crypto';
import { HASH_ALGORITHMS, type HashAlgorithm, native } from '../src/native.js';
import { blockHashInput } from '../src/prefix/block-hasher.js';
import { NO_KEYS } from '../src/prefix/extra-keys.js';
import { rootFromSeed } from '../src/prefix/hash-root.js';
import type { HashSettings } from '../src/prefix/hash-settings.js';
import { type BenchResult, percentile } from './bench-result.js';

const PROMPT_TOKENS = 8192;
const VOCABULARY = 151936;
const BLOCK_SIZES = [16, 64];
const SAMPLES = 300;
const FLOOR_BYTES = 128 * 1024;
/** SHA-256 ends a message with a 1 bit and its length in 8 bytes. */
const PADDING_BYTES_MIN = 9;

export async function run(options: { readonly json: boolean }): Promise<BenchResult[]> {
  if (!options.json) {
    process.stderr.write(
      `hash: ${PROMPT_TOKENS} tokens a call, SHA-256 by ${native.sha256Implementation()}\n`,
    );
  }
  return BLOCK_SIZES.flatMap((size) => HASH_ALGORITHMS.map((name) => measure(name, size)));
}

function measure(algorithm: HashAlgorithm, blockSizeTokens: number): BenchResult {
  const settings: HashSettings = {
    algorithm,
    ...rootFromSeed(algorithm, '42'),
    blockSizeTokens,
    profile: algorithm === 'sha256_cbor_64bit' ? 'v0.10.0' : 'main-2026-08-17',
  };
  const tokens = promptTokens();
  // Without the look at runs hashed before, which would find all of them.
  const input = blockHashInput(tokens, settings, NO_KEYS);
  const messages = native.blockPreimages(input);
  const compressions =
    messages.reduce((sum, message) => sum + compressionsOf(message), 0) / messages.length;

  const floorMessage = new Uint8Array(FLOOR_BYTES);
  const ours = new Float64Array(SAMPLES);
  const floors = new Float64Array(SAMPLES);
  for (let sample = 0; sample < SAMPLES; sample++) {
    ours[sample] = nanoseconds(() => native.hashBlocks(input)) / messages.length;
    floors[sample] = nanoseconds(() => native.sha256(floorMessage)) / compressionsOf(floorMessage);
  }
  ours.sort();
  floors.sort();
  const p50 = percentile(ours, 0.5);
  const best = percentile(ours, 0);
  const floor = percentile(floors, 0) * compressions;
  return {
    name: `${algorithm} ${blockSizeTokens}`,
    value: round(p50),
    unit: 'ns/block',
    p50: round(p50),
    p99: round(percentile(ours, 0.99)),
    best: round(best),
    floor: round(floor),
    ratio: round(best / floor),
    ratioP50: round(p50 / (percentile(floors, 0.5) * compressions)),
    compressions: round(compressions),
    ...(algorithm.startsWith('xxhash')
      ? {}
      : { nodeCryptoRatio: round(nodeCrypto(messages) / p50) }),
  };
}

/** Nanoseconds a block when node:crypto hashes messages that are ready made, which spares it the
 * serialization that our numbers include. */
function nodeCrypto(messages: readonly Uint8Array[]): number {
  const samples = Float64Array.from({ length: 20 }, () =>
    nanoseconds(() => {
      for (const message of messages) createHash('sha256').update(message).digest();
    }),
  ).sort();
  return percentile(samples, 0.5) / messages.length;
}

function compressionsOf(message: Uint8Array): number {
  return Math.ceil((message.length + PADDING_BYTES_MIN) / 64);
}

/** Random ids, the same in every run (xorshift). */
function promptTokens(): Uint32Array {
  let state = 1;
  return Uint32Array.from({ length: PROMPT_TOKENS }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % VOCABULARY;
  });
}

function nanoseconds(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
