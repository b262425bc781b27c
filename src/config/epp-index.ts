// What an EndpointPickerConfig says of the precise index: bounds, block size, seed, event sources.
import type { IndexParameters } from './epp-index-fields.js';
import type { Place } from './field.js';
import type { EventPlan, SchedulingPlan } from './scheduling-plan.js';

/** Where generation 1 binds when its configuration does not say. */
export const DEFAULT_EVENT_ENDPOINT = 'tcp://*:5557';

/** A plugin that carries index parameters. */
export interface IndexOwner {
  readonly label: string;
  readonly type: string;
  readonly parameters: IndexParameters & { readonly mode?: string | null };
  /** The parameters as written, to tell a default from a choice. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

const INDEX_KEYS = ['tokenProcessorConfig', 'indexerConfig', 'kvEventsConfig'] as const;

/** The one plugin whose index parameters count; null when no plugin has any. */
export function indexOwner(owners: readonly IndexOwner[], problems: string[]): IndexOwner | null {
  const configured = owners.filter(({ given }) => INDEX_KEYS.some((key) => key in given));
  const [owner = owners[0] ?? null, ...others] = configured;
  for (const { label } of others) {
    problems.push(`${label}: its index parameters are not used, those of ${owner?.label} are`);
  }
  return owner;
}

type IndexPlan = Pick<
  SchedulingPlan,
  'blockSizeTokens' | 'hashSeed' | 'indexMaxBytes' | 'tierWeights' | 'speculative'
>;

export function indexPlan(owner: IndexOwner | null, mapped: string[]): IndexPlan {
  const parameters = owner?.parameters;
  const indexer = parameters?.indexerConfig ?? null;
  const processor = parameters?.tokenProcessorConfig ?? indexer?.tokenProcessorConfig ?? null;
  const blockSizeTokens = processor?.blockSizeTokens ?? processor?.blockSize ?? null;
  const hashSeed = processor?.hashSeed || null;
  const tiers = new Map(indexer?.kvCacheBackendConfigs.map(({ name, weight }) => [name, weight]));
  const bounds = indexer?.kvBlockIndexConfig ?? null;
  if (owner !== null) {
    const size = blockSizeTokens === null ? 'as the engines report' : `${blockSizeTokens} tokens`;
    const seed = hashSeed === null ? 'the default of vLLM' : JSON.stringify(hashSeed);
    mapped.push(`${owner.label}: exact index, block size ${size}, hash seed ${seed}`);
  }
  return {
    blockSizeTokens,
    hashSeed,
    indexMaxBytes: bounds?.costAwareMemoryConfig?.size ?? null,
    tierWeights:
      tiers.size === 0 ? null : { gpu: tiers.get('gpu') ?? 1, cpu: tiers.get('cpu') ?? 0.8 },
    speculative:
      parameters === undefined
        ? null
        : { enabled: parameters.speculativeIndexing, ttlMs: parameters.speculativeTTL },
  };
}

/** Generation 1 binds where it says nothing; the later ones connect to every engine. */
export function eventPlan(
  owner: IndexOwner | null,
  mapped: string[],
  problems: string[],
): EventPlan {
  const config = owner?.parameters.kvEventsConfig ?? null;
  const tracking = owner?.parameters.mode === 'cache_tracking';
  const byDefault = config === null && tracking;
  const zmqEndpoint = config?.zmqEndpoint || (byDefault ? DEFAULT_EVENT_ENDPOINT : null);
  const discovery = config?.podDiscoveryConfig ?? null;
  const discovers = config !== null && zmqEndpoint === null && config.discoverPods;
  if (zmqEndpoint !== null) {
    mapped.push(`events: engines connect to ${zmqEndpoint}${byDefault ? ', the default' : ''}`);
  }
  if (discovers) {
    mapped.push("events: the router connects to each engine's publisher");
    problems.push(
      'kvEventsConfig: nothing is bound (no zmqEndpoint), so engines must bind theirs: an engine ' +
        'whose --kv-events-config endpoint names a host instead of "*" reaches nobody',
    );
  }
  if (config !== null && zmqEndpoint === null && !config.discoverPods) {
    problems.push('kvEventsConfig: neither zmqEndpoint nor discoverPods: no events can arrive');
  }
  return {
    zmqEndpoint,
    zmqEndpointIsDefault: byDefault,
    topicFilter: config?.topicFilter ?? null,
    discover: discovers
      ? {
          port: discovery?.socketPort ?? 5557,
          replayPort:
            discovery !== null && discovery.replaySocketPort > 0
              ? discovery.replaySocketPort
              : null,
        }
      : null,
  };
}
