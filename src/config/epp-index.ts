// Index and event settings of an EndpointPickerConfig, whichever plugin and generation gives them.
import type { IndexParameters } from './epp-index-fields.js';
import { type Place, shown } from './field.js';
import type { EventPlan, SchedulingPlan } from './scheduling-plan.js';

/** What generation 1 binds when nothing is said. */
const DEFAULT_EVENT_ENDPOINT = 'tcp://*:5557';
/** Index memory a block takes, for bounds given in entries (DESIGN: section 6). */
const BYTES_PER_BLOCK = 64;

/** A plugin that may carry index settings. */
export interface IndexOwner {
  readonly label: string;
  readonly type: string;
  readonly parameters: IndexParameters;
  /** Keys of IndexParameters that were really written. */
  readonly given: ReadonlySet<string>;
  readonly place: Place;
}

/** The plugin whose index settings count: a producer before a scorer, else the first that has any. */
export function chooseOwner(owners: readonly IndexOwner[], problems: string[]): IndexOwner | null {
  const chosen =
    owners.find(({ type }) => type === 'precise-prefix-cache-producer') ??
    owners.find(({ type, given }) => type === 'precise-prefix-cache-scorer' || given.size > 0) ??
    null;
  for (const { label, given } of owners) {
    if (label === chosen?.label || given.size === 0) continue;
    problems.push(`${label}: its ${[...given].join(', ')} is ignored; ${chosen?.label} decides`);
  }
  return chosen;
}

type IndexPart = Pick<
  SchedulingPlan,
  'blockSizeTokens' | 'hashSeed' | 'indexMaxBytes' | 'tierWeights' | 'speculative'
>;

export function indexPlan(owner: IndexOwner | null, mapped: string[]): IndexPart {
  if (owner === null) {
    return {
      blockSizeTokens: null,
      hashSeed: null,
      indexMaxBytes: null,
      tierWeights: null,
      speculative: null,
    };
  }
  const { parameters, given, label } = owner;
  const index = parameters.indexerConfig?.kvBlockIndexConfig ?? null;
  const bytes =
    index?.costAwareMemoryConfig?.size ??
    (index?.inMemoryConfig?.size ? index.inMemoryConfig.size * BYTES_PER_BLOCK : null);
  const blockSizeTokens = blockSize(owner);
  const hashSeed = agreed(owner, 'hashSeed');
  const speculative =
    given.has('speculativeIndexing') || given.has('speculativeTTL')
      ? { enabled: parameters.speculativeIndexing, ttlMs: parameters.speculativeTTL }
      : null;
  if (blockSizeTokens !== null)
    mapped.push(
      `${label}: block size ${blockSizeTokens}, unless the engine or models[].blockSize says otherwise`,
    );
  if (hashSeed !== null) mapped.push(`${label}: hash seed "${hashSeed}"`);
  if (bytes !== null) mapped.push(`${label}: index of at most ${bytes} bytes`);
  return {
    blockSizeTokens,
    hashSeed,
    indexMaxBytes: bytes,
    tierWeights: tiers(owner),
    speculative,
  };
}

export function eventPlan(
  owner: IndexOwner | null,
  mapped: string[],
  problems: string[],
): EventPlan {
  const none = {
    zmqEndpoint: null,
    zmqEndpointIsDefault: false,
    topicFilter: null,
    discover: null,
  };
  if (owner === null) return none;
  const { label, type, parameters } = owner;
  const events = parameters.kvEventsConfig;
  const topicFilter = events?.topicFilter ?? null;
  const written = events?.zmqEndpoint ?? null;
  if (type === 'prefix-cache-scorer') {
    // Generation 1 knows only the central mode and binds without being told to.
    const zmqEndpoint = written ?? DEFAULT_EVENT_ENDPOINT;
    mapped.push(
      `${label}: KV events arrive at ${zmqEndpoint}${written === null ? ' (default)' : ''}`,
    );
    return { ...none, zmqEndpoint, zmqEndpointIsDefault: written === null, topicFilter };
  }
  const { socketPort = 5557, replaySocketPort = 0 } = events?.podDiscoveryConfig ?? {};
  const discover =
    (events?.discoverPods ?? true) && written === null
      ? { port: socketPort, replayPort: replaySocketPort > 0 ? replaySocketPort : null }
      : null;
  if (written !== null) mapped.push(`${label}: KV events arrive at ${written}`);
  else if (discover !== null) {
    mapped.push(`${label}: KV events are fetched from port ${discover.port} of every endpoint`);
    problems.push(
      "kvEventsConfig has no zmqEndpoint, so nothing is bound here: if the engines' " +
        '--kv-events-config names an endpoint to connect to (one without *), both sides connect ' +
        `and no event source can connect. Cure: engines bind tcp://*:${discover.port}, or set ` +
        `zmqEndpoint to ${DEFAULT_EVENT_ENDPOINT}`,
    );
  } else {
    problems.push(
      'kvEventsConfig has no zmqEndpoint and discoverPods is false: no event source can connect ' +
        'unless our own configuration names one (kvEvents.bind, or kvEvents of an endpoint)',
    );
  }
  return { zmqEndpoint: written, zmqEndpointIsDefault: false, topicFilter, discover };
}

function blockSize(owner: IndexOwner): number | null {
  const current = agreed(owner, 'blockSizeTokens');
  const older = agreed(owner, 'blockSize');
  if (current !== null && older !== null && current !== older) {
    owner.place.fail(`blockSizeTokens ${current} and blockSize ${older} differ`);
  }
  return current ?? older;
}

type TokenSetting = 'blockSizeTokens' | 'blockSize' | 'hashSeed';
type TokenSettings = NonNullable<IndexParameters['tokenProcessorConfig']>;

/** A setting that may stand beside indexerConfig or inside it; both must agree. */
function agreed<K extends TokenSetting>(owner: IndexOwner, key: K): TokenSettings[K] | null {
  const beside = owner.parameters.tokenProcessorConfig?.[key] ?? null;
  const inside = owner.parameters.indexerConfig?.tokenProcessorConfig?.[key] ?? null;
  if (beside !== null && inside !== null && beside !== inside) {
    owner.place
      .child('tokenProcessorConfig')
      .child(key)
      .fail(`${shown(beside)} differs from ${shown(inside)} in indexerConfig`);
  }
  return beside ?? inside;
}

function tiers({ parameters, place }: IndexOwner): SchedulingPlan['tierWeights'] {
  const backends = parameters.indexerConfig?.kvCacheBackendConfigs ?? [];
  if (backends.length === 0) return null;
  const weights = { gpu: 1, cpu: 0.8 };
  backends.forEach(({ name, weight }, position) => {
    if (name === 'gpu' || name === 'cpu') weights[name] = weight;
    else {
      const at = place.child('indexerConfig').child('kvCacheBackendConfigs').child(position);
      at.warn(`the tier ${shown(name)} is not known; only gpu and cpu have weights`);
    }
  });
  return weights;
}
