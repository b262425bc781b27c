// FleetModels: the configured models by every name, and what their engines add to what is configured.
import type { HeaderList } from '../http/exchange.js';
import type { RequestLimits } from '../tokenizer/request-limits.js';
import { type FleetModel, likelySettings, readsEventsAlike } from './fleet-model.js';
import type { LiveEndpoint } from './live-endpoint.js';
import { type ModelFacts, type ModelSnapshot, snapshotModels } from './match-models.js';

export class FleetModels {
  #byName: ReadonlyMap<string, FleetModel> = new Map();
  #byAnyName: ReadonlyMap<string, FleetModel> = new Map();
  #latest: ModelSnapshot | null = null;
  #version = 0;

  constructor(models: readonly FleetModel[]) {
    this.replace(models);
  }

  /** From now on these are all. Returns the names of models whose endpoints cannot stay as they are:
   * the model is gone, or what their events say means something else. */
  replace(models: readonly FleetModel[]): readonly string[] {
    this.outdated();
    const before = this.#byName;
    this.#byName = new Map(models.map((model) => [model.name, model]));
    const aliases = models.flatMap((model) => model.aliases.map((name) => [name, model] as const));
    this.#byAnyName = new Map([...aliases, ...this.#byName]);
    const concerned = [...before.values()].filter((old) => {
      const model = this.#byName.get(old.name);
      return model === undefined || !readsEventsAlike(old, model);
    });
    return concerned.map(({ name }) => name);
  }

  get all(): readonly FleetModel[] {
    return [...this.#byName.values()];
  }

  /** By its own name. */
  get(name: string): FleetModel | undefined {
    return this.#byName.get(name);
  }

  /** By its name or an alias; null: nobody's. */
  named(name: string): FleetModel | null {
    return this.#byAnyName.get(name) ?? null;
  }

  /** What clients' requests carry in place of their own. */
  credentials(name: string): HeaderList {
    const model = this.get(name);
    if (model === undefined || model.apiKey === null || !model.replaceAuthorization) return [];
    return [['authorization', `Bearer ${model.apiKey}`]];
  }

  /** For the tokenizer pool; `endpoints` are those of the whole fleet. */
  facts(endpoints: readonly LiveEndpoint[], limits: RequestLimits | undefined): ModelFacts[] {
    return this.all.map((model) => ({
      ...factsOf(model, endpoints),
      ...(limits === undefined ? {} : { limits }),
    }));
  }

  /** The last snapshot; null: it is outdated. */
  get latest(): ModelSnapshot | null {
    return this.#latest;
  }

  /** Endpoints came, left or are known better. */
  outdated(): void {
    this.#latest = null;
  }

  /** The models with how their endpoints hash, as of now. */
  snapshot(endpoints: readonly LiveEndpoint[], limits: RequestLimits | undefined): ModelSnapshot {
    this.#version += 1;
    const settings = endpoints.map((live) => {
      const { epoch, model } = live.endpoint;
      return {
        epoch,
        model,
        settings: live.settings ?? likelySettings(this.get(model), live.metrics),
      };
    });
    this.#latest = snapshotModels(this.#version, this.facts(endpoints, limits), settings);
    return this.#latest;
  }
}

function factsOf(model: FleetModel, endpoints: readonly LiveEndpoint[]): ModelFacts {
  const served = endpoints
    .filter(({ endpoint }) => endpoint.model === model.name)
    .flatMap(({ models }) => models ?? []);
  const adapters = served.filter(({ parent }) => parent !== null).map(({ id }) => id);
  const lengths = served.map(({ maxModelLen }) => maxModelLen).filter((length) => length !== null);
  return {
    name: model.name,
    aliases: model.aliases,
    tokenizer: model.tokenizer,
    rendersMedia: model.rendersMedia,
    loraAdapters: [...new Set(adapters)],
    // The longest one: an engine with a shorter limit refuses by itself.
    chat: model.chat,
    maxModelLen: model.maxModelLen ?? (lengths.length === 0 ? null : Math.max(...lengths)),
  };
}
