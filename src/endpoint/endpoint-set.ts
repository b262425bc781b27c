// The live endpoints. A slot is given out again only after the prefix index forgot its last tenant.
import { ConfigError } from '../errors.js';
import type { Endpoint, EndpointSlot, EndpointSpec } from './endpoint.js';

export type EndpointChange =
  | { readonly type: 'added'; readonly endpoint: Endpoint }
  /** It gets no new requests; those in flight go on. */
  | { readonly type: 'draining'; readonly endpoint: Endpoint }
  /** Its slot stays taken until `forgotten`. */
  | { readonly type: 'removed'; readonly endpoint: Endpoint };

export type EndpointListener = (change: EndpointChange) => void;

export class EndpointSet {
  readonly #limit: number;
  /** By slot: the tenant, or `leaving` until the index forgot it, or nothing: free. */
  readonly #slots: (Endpoint | 'leaving' | undefined)[] = [];
  readonly #byName = new Map<string, Endpoint>();
  readonly #draining = new Set<EndpointSlot>();
  readonly #listeners = new Set<EndpointListener>();
  readonly #byModel = new Map<string, readonly Endpoint[]>();
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
    this.#refresh();
    this.#tell({ type: 'added', endpoint });
    return endpoint;
  }

  /** No new requests from now on; the endpoint stays in the set until it is removed. */
  drain(slot: EndpointSlot): void {
    const endpoint = this.at(slot);
    if (endpoint === undefined || this.#draining.has(slot)) return;
    this.#draining.add(slot);
    this.#refresh();
    this.#tell({ type: 'draining', endpoint });
  }

  /** The endpoint gets no further request. Its slot stays taken until `forgotten`. */
  remove(slot: EndpointSlot): Endpoint | undefined {
    const endpoint = this.at(slot);
    if (endpoint === undefined) return undefined;
    this.#slots[slot] = 'leaving';
    this.#byName.delete(endpoint.name);
    this.#draining.delete(slot);
    this.#refresh();
    this.#tell({ type: 'removed', endpoint });
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

  isDraining(slot: EndpointSlot): boolean {
    return this.#draining.has(slot);
  }

  /** Every endpoint, draining ones too. Frozen; replaced on change. */
  get all(): readonly Endpoint[] {
    return this.#all;
  }

  /** Endpoints of a model that take new requests. Frozen; replaced on change. */
  ofModel(model: string): readonly Endpoint[] {
    return this.#byModel.get(model) ?? NO_ENDPOINTS;
  }

  /** Returns the function that ends it. */
  subscribe(listener: EndpointListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #refresh(): void {
    this.#all = Object.freeze([...this.#byName.values()]);
    this.#byModel.clear();
    const open = this.#all.filter(({ slot }) => !this.#draining.has(slot));
    for (const model of new Set(open.map((endpoint) => endpoint.model))) {
      this.#byModel.set(model, Object.freeze(open.filter((one) => one.model === model)));
    }
  }

  #tell(change: EndpointChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

const NO_ENDPOINTS: readonly Endpoint[] = Object.freeze([]);
