// When an engine's hashes are to be proven, and when refutations outweigh an earlier proof.

/** Batches between two proofs of an engine that is settled: they cost some 10 us each. */
const SETTLED_EVERY_BATCHES = 1000;
/** And of one that is not, once the first roots could not tell. */
const UNSETTLED_EVERY_BATCHES = 100;
/** Roots tried one after the other before proofs become rare: the first may be undecidable, or have
 * been refuted for a salt that an old engine does not list. */
const EAGER_PROOFS = 16;
/** Refutations in a row that outweigh an earlier proof: a single run may hold media that the engine
 * hashed differently from how it lists them. */
const REFUTATIONS_TO_DOUBT = 3;

export class ProofSchedule {
  #eagerProofs = EAGER_PROOFS;
  #batchesToProof = 0;
  #refutations = 0;

  /** A batch has come. */
  countBatch(): void {
    this.#batchesToProof -= 1;
  }

  /** Whether the next root is to be proven. `exact`: the engine has been proven before. */
  isDue(exact: boolean): boolean {
    const settled = exact && this.#refutations === 0;
    return (!settled && this.#eagerProofs > 0) || this.#batchesToProof <= 0;
  }

  /** A proof is made. `settled`: how the engine's blocks are keyed is decided. */
  begin(settled: boolean): void {
    this.#eagerProofs = Math.max(0, this.#eagerProofs - 1);
    this.#batchesToProof = settled ? SETTLED_EVERY_BATCHES : UNSETTLED_EVERY_BATCHES;
  }

  proven(): void {
    this.#refutations = 0;
  }

  /** True when this refutation outweighs what was known. */
  refuted(exact: boolean): boolean {
    this.#refutations += 1;
    if (!exact || this.#refutations >= REFUTATIONS_TO_DOUBT) return true;
    this.#eagerProofs = Math.max(this.#eagerProofs, REFUTATIONS_TO_DOUBT);
    return false;
  }

  /** Nothing is known of the engine, or what was known has been refuted. */
  restart(): void {
    this.#eagerProofs = EAGER_PROOFS;
    this.#refutations = 0;
  }
}
