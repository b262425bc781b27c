// Discovery: the endpoints of every model, from all its sources together, as they change.
import { isDeepStrictEqual } from 'node:util';
import type { ModelConfig, SourceConfig } from '../config/config.js';
import type { WantedEndpoint } from '../endpoint/endpoint.js';
import { log } from '../log.js';
import { DnsSource } from './dns-source.js';
import type { EndpointSource, SourceListener } from './endpoint-source.js';
import { FileSource } from './file-source.js';
import { KubernetesSource } from './kubernetes-source.js';

export type SourceKind = SourceConfig['kind'] | 'static';

export interface DiscoveryOptions {
  /** All endpoints of a model from now on. */
  readonly apply: (model: string, endpoints: readonly WantedEndpoint[]) => void;
  readonly random: () => number;
  readonly open?: typeof openSource;
}

/** What is known of one source of a model. */
export interface SourceState {
  readonly model: string;
  readonly kind: SourceKind;
  readonly endpoints: number;
  /** Why it cannot be read at the moment; null: it is followed, or has not answered yet. */
  readonly failure: string | null;
  /** Whether it has ever told its endpoints. */
  readonly told: boolean;
  readonly failures: number;
}

interface Followed {
  readonly config: SourceConfig;
  readonly qualified: boolean;
  source: EndpointSource;
  list: readonly WantedEndpoint[] | null;
  failure: string | null;
  failures: number;
  readonly first: PromiseWithResolvers;
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

interface ModelSources {
  readonly fixed: readonly WantedEndpoint[];
  readonly followed: Followed[];
  /** Of sources that are not followed any more, until those in their place have told. */
  leaving: readonly WantedEndpoint[];
}

type Followable = Pick<ModelConfig, 'name' | 'endpoints' | 'sources'>;

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #models = new Map<string, ModelSources>();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Follows exactly these from now on. Sources that were followed with the same settings go on, so
   * that a changed configuration costs only what it changes. */
  follow(models: readonly Followable[]): void {
    const qualified = hasSeveralNamespaces(models);
    const names = new Set(models.map(({ name }) => name));
    for (const [name, { followed }] of this.#models) {
      if (names.has(name)) continue;
      for (const { source } of followed) source.close();
      this.#models.delete(name);
    }
    for (const model of models) this.#followModel(model, qualified);
  }

  /** Resolves when every source has told or failed once, or after this time. */
  async first(timeoutMs: number): Promise<void> {
    const sources = [...this.#models.values()].flatMap(({ followed }) => followed);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([late, Promise.all(sources.map(({ first }) => first.promise))]);
    clearTimeout(timer);
  }

  get states(): readonly SourceState[] {
    return [...this.#models].flatMap(([model, { fixed, followed }]) => {
      const states = followed.map(({ config, list, failure, failures }) => {
        const endpoints = list?.length ?? 0;
        return { model, kind: config.kind, endpoints, failure, told: list !== null, failures };
      });
      if (fixed.length === 0) return states;
      const own = { model, kind: 'static' as const, endpoints: fixed.length };
      return [{ ...own, failure: null, told: true, failures: 0 }, ...states];
    });
  }

  close(): void {
    for (const { followed } of this.#models.values()) {
      for (const { source } of followed) source.close();
    }
    this.#models.clear();
  }

  #followModel({ name, endpoints, sources }: Followable, qualified: boolean): void {
    const before = this.#models.get(name)?.followed ?? [];
    const isSame = (one: Followed, config: SourceConfig) =>
      one.qualified === qualified && isDeepStrictEqual(one.config, config);
    const kept = before.filter((one) => sources.some((config) => isSame(one, config)));
    const dropped = before.filter((one) => !kept.includes(one));
    for (const { source } of dropped) source.close();
    const fixed = endpoints.map((one) => ({ ...one, identity: null, draining: false }));
    const leaving = dropped.flatMap(({ list }) => list ?? []);
    const model: ModelSources = { fixed, followed: kept, leaving };
    this.#models.set(name, model);
    for (const config of sources) {
      if (kept.some((one) => isSame(one, config))) continue;
      model.followed.push(this.#open(name, config, qualified));
    }
    this.#apply(name, model);
  }

  #open(name: string, config: SourceConfig, qualified: boolean): Followed {
    const { random, open = openSource } = this.#options;
    const followed: Followed = {
      ...{ config, qualified, list: null, failure: null, failures: 0, first: withResolvers() },
      source: { close() {} },
    };
    const isCurrent = () => this.#models.get(name)?.followed.includes(followed) === true;
    followed.source = open(
      config,
      { random, qualified },
      {
        list: (endpoints) => {
          if (!isCurrent()) return;
          if (followed.failure !== null) log.info('endpoints are followed again', { model: name });
          followed.list = endpoints;
          followed.failure = null;
          const model = this.#models.get(name);
          if (model !== undefined) this.#apply(name, model);
          followed.first.resolve();
        },
        failed: (reason) => {
          if (!isCurrent()) return;
          followed.failures += 1;
          // A source that stays away is said once, then only when the reason is another.
          if (followed.failure !== reason) {
            log.warn('endpoints cannot be learned: the last ones hold', { model: name, reason });
          }
          followed.failure = reason;
          followed.first.resolve();
        },
      },
    );
    return followed;
  }

  #apply(name: string, model: ModelSources): void {
    const { fixed, followed } = model;
    if (followed.every(({ list }) => list !== null)) model.leaving = [];
    const told = [...fixed, ...followed.flatMap(({ list }) => list ?? [])];
    const names = new Set(told.map((endpoint) => endpoint.name));
    const leaving = model.leaving.filter((endpoint) => !names.has(endpoint.name));
    this.#options.apply(name, [...told, ...leaving]);
  }
}

interface SourceSettings {
  readonly random: () => number;
  readonly qualified: boolean;
}

export function openSource(
  config: SourceConfig,
  { random, qualified }: SourceSettings,
  listener: SourceListener,
): EndpointSource {
  switch (config.kind) {
    case 'file':
      return new FileSource(config, listener);
    case 'dns':
      return new DnsSource(config, listener);
    case 'kubernetes':
      return new KubernetesSource({ config, listener, random, qualified });
  }
}

/** Pods of two namespaces may have one name. */
function hasSeveralNamespaces(models: readonly Followable[]): boolean {
  const namespaces = models.flatMap(({ sources }) =>
    sources.flatMap((source) => (source.kind === 'kubernetes' ? [source.namespace] : [])),
  );
  return new Set(namespaces).size > 1;
}

function withResolvers(): PromiseWithResolvers {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
