// What an EndpointPickerConfig asks for, in Warmpath's terms. Formulas stand in scheduler/scorers.ts.

export interface ScorerParameters {
  'prefix-cache-scorer': {
    /** Share of the score that grows with the matched length itself; 0: only the matched share. */
    readonly matchLengthWeight: number;
    readonly matchLengthScaleTokens: number;
  };
  'load-aware-scorer': {
    /** Waiting requests at which an endpoint scores 0. */
    readonly threshold: number;
    /** `waiting`: engine metrics only, as the formula was published. `blended`: see the scorer. */
    readonly signal: 'blended' | 'waiting';
  };
  'queue-scorer': Record<never, never>;
  'running-requests-size-scorer': Record<never, never>;
  'kv-cache-utilization-scorer': Record<never, never>;
  'active-request-scorer': { readonly idleThreshold: number; readonly maxBusyScore: number };
  'token-load-scorer': { readonly queueThresholdTokens: number };
  'no-hit-lru-scorer': { readonly lruSize: number };
  'lora-affinity-scorer': Record<never, never>;
  'expected-delay-scorer': {
    /** What a request in flight costs those that come after it, in prompt tokens. */
    readonly requestTokens: number;
    /** The same for each token of its prompt, which decoding reads again and again. */
    readonly contextShare: number;
    /** What computing a token costs that another endpoint already holds, beyond the time it takes. */
    readonly copyPrice: number;
    /** Requests in ten seconds with one prefix that halve the price of copying it. */
    readonly hotRequests: number;
    /** Outstanding tokens of the idlest endpoint that double the price of copying. */
    readonly backlogTokens: number;
    /** What a new token sent in the last half minute costs those that come after it. */
    readonly recentShare: number;
    /** How much dearer new tokens are where half of the KV cache is in use. */
    readonly cachePressure: number;
  };
}

export interface FilterParameters {
  'prefix-cache-affinity-filter': {
    readonly affinityThreshold: number;
    readonly explorationProbability: number;
    /** 0: always stick to the cache. */
    readonly maxTTFTPenaltyMs: number;
    /** Prompt tokens a second of an unloaded engine. */
    readonly peakPrefillThroughput: number;
  };
}

export type ScorerType = keyof ScorerParameters;
export type FilterType = keyof FilterParameters;
export const PICKER_TYPES = [
  'max-score-picker',
  'weighted-random-picker',
  'random-picker',
] as const;
export type PickerType = (typeof PICKER_TYPES)[number];

/** One scorer of the profile; a union over the types, so that `type` decides `parameters`. */
export type ScorerPlan<T extends ScorerType = ScorerType> = {
  [K in T]: {
    readonly type: K;
    /** Name in the configuration: the type when it gives none. */
    readonly name: string;
    readonly weight: number;
    readonly parameters: ScorerParameters[K];
  };
}[T];

export type FilterPlan<T extends FilterType = FilterType> = {
  [K in T]: { readonly type: K; readonly name: string; readonly parameters: FilterParameters[K] };
}[T];

/** Where KV events come from, as far as the scheduling configuration says. */
export interface EventPlan {
  /** Address to bind, so that engines connect; null: none. */
  readonly zmqEndpoint: string | null;
  /** True when nobody wrote `zmqEndpoint` and generation 1's default stands in. */
  readonly zmqEndpointIsDefault: boolean;
  readonly topicFilter: string | null;
  /** Connect to every endpoint's own publisher at these ports; null: not asked for. */
  readonly discover: { readonly port: number; readonly replayPort: number | null } | null;
}

export interface SchedulingPlan {
  readonly scorers: readonly ScorerPlan[];
  readonly filters: readonly FilterPlan[];
  readonly picker: PickerType;
  readonly blockSizeTokens: number | null;
  /** PYTHONHASHSEED of the engines. */
  readonly hashSeed: string | null;
  readonly events: EventPlan;
  /** Bytes the index may take; null: not given. */
  readonly indexMaxBytes: number | null;
  /** Weight of a block by where it lies; null: not given. */
  readonly tierWeights: { readonly gpu: number; readonly cpu: number } | null;
  /** Predicted entries of requests just sent; null: not given. */
  readonly speculative: { readonly enabled: boolean; readonly ttlMs: number } | null;
  /** What each plugin and each noteworthy parameter was mapped to, for people. */
  readonly mapped: readonly string[];
  /** What will not work as written, in plain words. */
  readonly problems: readonly string[];
}

const NO_EVENTS: EventPlan = {
  zmqEndpoint: null,
  zmqEndpointIsDefault: false,
  topicFilter: null,
  discover: null,
};

/** Of the default policy; fallbacks of its parameters in a configuration. */
export const EXPECTED_DELAY: ScorerParameters['expected-delay-scorer'] = {
  requestTokens: 200,
  contextShare: 0.02,
  copyPrice: 6,
  hotRequests: 3,
  backlogTokens: 8192,
  recentShare: 0.1,
  cachePressure: 0.2,
};

/** The seed's: prefix 2, load 1, highest score. */
export const SEED_PLAN: SchedulingPlan = {
  scorers: [
    {
      type: 'prefix-cache-scorer',
      name: 'prefix-cache-scorer',
      weight: 2,
      parameters: { matchLengthWeight: 0, matchLengthScaleTokens: 8192 },
    },
    {
      type: 'load-aware-scorer',
      name: 'load-aware-scorer',
      weight: 1,
      parameters: { threshold: 128, signal: 'blended' },
    },
  ],
  filters: [],
  picker: 'max-score-picker',
  blockSizeTokens: null,
  hashSeed: null,
  events: NO_EVENTS,
  indexMaxBytes: null,
  tierWeights: null,
  speculative: null,
  mapped: [],
  problems: [],
};

/** Used when no scheduling is configured. */
export const DEFAULT_PLAN: SchedulingPlan = {
  ...SEED_PLAN,
  scorers: [
    {
      type: 'expected-delay-scorer',
      name: 'expected-delay-scorer',
      weight: 1,
      parameters: EXPECTED_DELAY,
    },
  ],
};
