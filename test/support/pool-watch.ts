// Compares, block by block, what the router credits its endpoints with and what engines really hold.
import type { Assembly } from '../../src/cli/assembly.js';
import { TIER } from '../../src/native.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';

export interface PoolDifference {
  /** Blocks an endpoint is credited with although its engine does not hold them. */
  readonly phantom: number;
  /** Blocks an engine holds that the router does not know of. */
  readonly missing: number;
}

export type Pool = Pick<SimEngine, 'blockHashes'>;

export class PoolWatch {
  readonly #assembly: Assembly;
  readonly #pools = new Map<string, Pool>();
  /** Every block ever seen in a pool: the only ones that can be credited wrongly and found. */
  readonly #seen = new Set<bigint>();

  /** Endpoints named a, b, c, … as startRouter names them. */
  constructor(assembly: Assembly, engines: readonly Pool[]) {
    this.#assembly = assembly;
    engines.forEach((engine, i) => {
      this.replace(String.fromCharCode(97 + i), engine);
    });
  }

  /** Another process answers at the endpoint's address. */
  replace(endpoint: string, engine: Pool): void {
    this.sample();
    this.#pools.set(endpoint, engine);
    this.sample();
  }

  /** Remembers what the pools hold now. */
  sample(): void {
    for (const pool of this.#pools.values()) {
      for (const hash of pool.blockHashes()) this.#seen.add(hash);
    }
  }

  get seenCount(): number {
    return this.#seen.size;
  }

  /** Summed over the endpoints. */
  compare(): PoolDifference {
    this.sample();
    const { fleet } = this.#assembly;
    const credited = this.#credits();
    let phantom = 0;
    let missing = 0;
    for (const { endpoint } of fleet.all) {
      const held = this.#pools.get(endpoint.name)?.blockHashes() ?? new Set<bigint>();
      const own = credited.get(endpoint.slot) ?? new Set<bigint>();
      const wrong = [...own].filter((hash) => !held.has(hash)).length;
      // Credits beyond the blocks ever seen in a pool are phantoms too; only their number is known.
      const unseen = this.#assembly.index.blocksOf(endpoint.slot, TIER.gpu) - own.size;
      phantom += wrong + Math.max(0, unseen);
      missing += [...held].filter((hash) => !own.has(hash)).length;
    }
    return { phantom, missing };
  }

  /** Slot to blocks, from one look-up a block. */
  #credits(): Map<number, Set<bigint>> {
    const credited = new Map<number, Set<bigint>>();
    const one = new BigUint64Array(1);
    for (const hash of this.#seen) {
      one[0] = hash;
      const triples = this.#assembly.index.match(one);
      for (let i = 0; i < triples.length; i += 3) {
        const slot = triples[i] ?? 0;
        const own = credited.get(slot) ?? new Set();
        credited.set(slot, own.add(hash));
      }
    }
    return credited;
  }
}
