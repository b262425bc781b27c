// What any router could reach: the hit ratio of an infinite cache, and of one cache as large as the
// fleet's (BENCHMARKS sections 2.4 and 10).
import { TIER } from '../../src/native.js';
import { PrefixIndex } from '../../src/prefix/prefix-index.js';
import { BlockPool } from '../../src/sim/block-pool.js';
import { SegmentPrompt } from './prompt-blocks.js';
import type { Workload, WorkloadRequest } from './workload.js';

const INDEX_BYTES = 2 ** 32;

export interface WorkloadBounds {
  /** Token-weighted, requests one after the other in the workload's order. */
  readonly idealHit: number;
  /** The same when only `kvTokens` are kept, the least recently used forgotten first. */
  readonly lruHit: number;
}

export function workloadBounds({ requests, idTokens }: Workload, kvTokens: number): WorkloadBounds {
  const index = PrefixIndex.open({ maxBytes: INDEX_BYTES });
  const pool = new BlockPool(Math.max(1, Math.floor(kvTokens / idTokens)), null);
  const triples = new Uint32Array(3);
  let prompt = 0;
  let ideal = 0;
  let lru = 0;
  for (const request of requests) {
    const hashes = request.prompt.hashes(idTokens);
    const limit = Math.min(hashes.length, Math.floor((request.promptTokens - 1) / idTokens));
    const found = index.native.match(hashes.subarray(0, limit), triples);
    const matched = found === 0 ? 0 : (triples[1] ?? 0);
    prompt += request.promptTokens;
    ideal += matched * idTokens;
    lru += Math.min(limit, useAll(pool, hashes)) * idTokens;
    index.store(0, TIER.gpu, hashes.subarray(matched));
    const answer = answerBlocks(request, idTokens);
    if (answer.length > 0) {
      index.store(0, TIER.gpu, answer);
      useAll(pool, answer);
    }
  }
  index.close();
  return { idealHit: prompt === 0 ? 0 : ideal / prompt, lruHit: prompt === 0 ? 0 : lru / prompt };
}

/** Leading blocks that were there; afterwards all are, the first one last to go. */
function useAll(pool: BlockPool, hashes: BigUint64Array): number {
  const words = new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2);
  const held = new Int32Array(hashes.length);
  let leading = 0;
  const most = Math.min(hashes.length, pool.usableBlocks);
  for (let i = 0; i < most; i += 1) {
    const [low, high] = [words[i * 2] ?? 0, words[i * 2 + 1] ?? 0];
    const known = pool.find(low, high);
    if (known >= 0) {
      if (leading === i) leading += 1;
      pool.touch(known);
      held[i] = known;
    } else {
      const block = pool.allocate();
      pool.register(block, low, high);
      held[i] = block;
    }
  }
  pool.releaseAll(held, most);
  return leading;
}

/** Full blocks of the answer that a later prompt will repeat; the last token is never computed. */
function answerBlocks(request: WorkloadRequest, idTokens: number): BigUint64Array {
  const { answerId, promptTokens, outputTokens } = request;
  if (answerId < 0 || outputTokens < 2) return new BigUint64Array(0);
  const first = Math.floor(promptTokens / idTokens);
  const whole = new SegmentPrompt([[answerId, promptTokens + outputTokens - 1]]);
  return whole.hashes(idTokens).subarray(first);
}
