// The live endpoints. A slot is given out again only after the prefix index forgot its last tenant.
import { ConfigError } from '../errors.js';
import type { Endpoint, EndpointSlot, EndpointSpec } from './endpoint.js';

export class EndpointSet {
  readonly #bySlot: (Endpoint | undefined)[] = [];
  readonly #byName = new Map<string, Endpoint>();
  readonly #free: EndpointSlot[] = [];
  readonly #limit: number;
  #epoch = 0;
  readonly #byModel = new Map<string, readonly Endpoint[]>();
  #all: readonly Endpoint[] = [];

  /** `limit` is what the prefix index can tell apart (`native.maxEndpoints`). */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Throws ConfigError when the name is taken or every slot is. */
  add(spec: EndpointSpec): Endpoint {
    if (this.#byName.has(spec.name)) {
      throw new ConfigError(`endpoint name ${JSON.stringify(spec.name)} is used twice`);
    }
    const slot = this.#free.pop() ?? this.#bySlot.length;
    if (slot >= this.#limit) {
      throw new ConfigError(
        `endpoint ${JSON.stringify(spec.name)}: the router follows at most ${this.#limit} endpoints`,
      );
    }
    const endpoint: Endpoint = Object.freeze({ ...spec, slot, epoch: ++this.#epoch });
    this.#bySlot[slot] = endpoint;
    this.#byName.set(endpoint.name, endpoint);
    this.#refresh();
    return endpoint;
  }

  /** The endpoint gets no further request. Its slot stays taken until `forgotten`. */
  remove(slot: EndpointSlot): Endpoint | undefined {
    const endpoint = this.#bySlot[slot];
    if (endpoint === undefined) return undefined;
    this.#bySlot[slot] = undefined;
    this.#byName.delete(endpoint.name);
    this.#refresh();
    return endpoint;
  }

  /** The prefix index holds nothing of this slot any more: it may be used again. */
  forgotten(slot: EndpointSlot): void {
    if (this.#bySlot[slot] === undefined) this.#free.push(slot);
  }

  at(slot: EndpointSlot): Endpoint | undefined {
    return this.#bySlot[slot];
  }

  named(name: string): Endpoint | undefined {
    return this.#byName.get(name);
  }

  get all(): readonly Endpoint[] {
    return this.#all;
  }

  ofModel(model: string): readonly Endpoint[] {
    return this.#byModel.get(model) ?? [];
  }

  #refresh(): void {
    this.#all = Object.freeze([...this.#byName.values()]);
    this.#byModel.clear();
    for (const endpoint of this.#all) {
      this.#byModel.set(endpoint.model, [...this.ofModel(endpoint.model), endpoint]);
    }
  }
}
