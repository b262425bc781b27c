// Numbers that an engine has given its LoRA adapters: it counts from 1 in the order of loading, and
// lists them in that order. Engines before vLLM 0.11.1 hash the number instead of the name.
import type { ServedModel } from '../endpoint/engine-poller.js';

export class AdapterNumbers {
  #names: readonly string[] = [];
  /** An adapter was unloaded: later ones have higher numbers than their place says. */
  #isBroken = false;

  /** Names in order of their numbers; none when the numbers are not certain. */
  get names(): readonly string[] {
    return this.#isBroken ? [] : this.#names;
  }

  listed(models: readonly ServedModel[]): void {
    const names = models.filter(({ parent }) => parent !== null).map(({ id }) => id);
    if (this.#names.some((name, i) => names[i] !== name)) this.#isBroken = true;
    this.#names = names;
  }

  /** The process is a new one, which counts anew. */
  restarted(): void {
    this.#names = [];
    this.#isBroken = false;
  }
}
