// ServedModels: the names an engine answers to: its base model and its LoRA adapters.
import { RouterError } from '../errors.js';

export interface LoraAdapter {
  readonly name: string;
  /** The engine's own number, counted from 1 in the order of loading. */
  readonly id: number;
  readonly path: string;
}

export class ServedModels {
  readonly base: string;
  readonly maxModelLen: number;
  private readonly created = Math.floor(Date.now() / 1000);
  private readonly adapters = new Map<string, LoraAdapter>();
  private nextId = 1;

  constructor(base: string, maxModelLen: number, adapterNames: readonly string[]) {
    this.base = base;
    this.maxModelLen = maxModelLen;
    for (const name of adapterNames) this.load(name, `/adapters/${name}`);
  }

  get adapterNames(): readonly string[] {
    return [...this.adapters.keys()];
  }

  /** The adapter a request names; null: the base model. An empty name is the base model, too. */
  resolve(name: string): LoraAdapter | null {
    if (name === '' || name === this.base) return null;
    const adapter = this.adapters.get(name);
    if (adapter !== undefined) return adapter;
    throw new RouterError('model_not_found', `The model \`${name}\` does not exist.`, {
      param: 'model',
    });
  }

  /** False: an adapter of that name is loaded already. */
  load(name: string, path: string): boolean {
    if (this.adapters.has(name) || name === this.base) return false;
    this.adapters.set(name, { name, id: this.nextId, path });
    this.nextId += 1;
    return true;
  }

  /** False: there is no such adapter. */
  unload(name: string): boolean {
    return this.adapters.delete(name);
  }

  /** Body of GET /v1/models. */
  list(): object {
    const card = (id: string, root: string, parent: string | null) => ({
      id,
      object: 'model',
      created: this.created,
      owned_by: 'vllm',
      root,
      parent,
      max_model_len: parent === null ? this.maxModelLen : null,
      permission: [],
    });
    const adapters = [...this.adapters.values()].map(({ name, path }) =>
      card(name, path, this.base),
    );
    return { object: 'list', data: [card(this.base, this.base, null), ...adapters] };
  }
}
