// The live endpoints. A slot is given out again only after the prefix index forgot its last tenant.
import { ConfigError } from '../errors.js';
import type { Endpoint, EndpointSlot, EndpointSpec } from './endpoint.js';

export class EndpointSet {
  readonly #limit: number;
  /** By slot: the tenant, or `leaving` until the index forgot it, or nothing: free. */
  readonly #slots: (Endpoint | 'leaving' | undefined)[] = [];
  readonly #byName = new Map<string, Endpoint>();
  #all: readonly Endpoint[] = Object.freeze([]);
  #epoch = 0;

  /** `limit` is what the prefix index can tell apart (`native.maxEndpoints`). */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Throws ConfigError when the name or the address is taken, or every slot is. */
  add(address: EndpointSpec): Endpoint {
    const { name, url, dataParallelRank: rank } = address;
    if (this.#byName.has(name)) {
      throw new ConfigError(`endpoint name ${JSON.stringify(name)} is used twice`);
    }
    const same = this.#all.find((one) => one.url === url && one.dataParallelRank === rank);
    if (same !== undefined) {
      const which = rank === null ? url : `${url} rank ${rank}`;
      throw new ConfigError(`endpoint ${JSON.stringify(name)}: ${which} is ${same.name} already`);
    }
    const free = this.#slots.indexOf(undefined);
    const slot = free === -1 ? this.#slots.length : free;
    if (slot >= this.#limit) {
      throw new ConfigError(
        `endpoint ${JSON.stringify(name)}: the router follows at most ${this.#limit} endpoints`,
      );
    }
    this.#epoch += 1;
    const endpoint: Endpoint = Object.freeze({ ...address, slot, epoch: this.#epoch });
    this.#slots[slot] = endpoint;
    this.#byName.set(name, endpoint);
    this.#all = Object.freeze([...this.#byName.values()]);
    return endpoint;
  }

  /** The endpoint gets no further request. Its slot stays taken until `forgotten`. */
  remove(slot: EndpointSlot): Endpoint | undefined {
    const endpoint = this.at(slot);
    if (endpoint === undefined) return undefined;
    this.#slots[slot] = 'leaving';
    this.#byName.delete(endpoint.name);
    this.#all = Object.freeze([...this.#byName.values()]);
    return endpoint;
  }

  /** The prefix index holds nothing of this slot any more: it may be used again. Said of a slot that
   * is in use, or said twice, it changes nothing. */
  forgotten(slot: EndpointSlot): void {
    if (this.#slots[slot] === 'leaving') this.#slots[slot] = undefined;
  }

  at(slot: EndpointSlot): Endpoint | undefined {
    const tenant = this.#slots[slot];
    return tenant === 'leaving' ? undefined : tenant;
  }

  named(name: string): Endpoint | undefined {
    return this.#byName.get(name);
  }

  /** Every endpoint. Frozen; replaced on change. */
  get all(): readonly Endpoint[] {
    return this.#all;
  }
}
