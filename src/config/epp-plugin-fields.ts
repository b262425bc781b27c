// Parameters of the plugins that an EndpointPickerConfig may declare and that have some here.
import { count, INDEX_FIELDS, share } from './epp-index-fields.js';
import { choice, decimal, type Field, integer, optional, table, unused } from './field.js';
import {
  EXPECTED_DELAY,
  type FilterParameters,
  type FilterType,
  type ScorerParameters,
  type ScorerType,
} from './scheduling-plan.js';

/** Of the scorer that may own the index too: in generations 1 and 2 it does. */
export const PREFIX_SCORER_FIELDS = {
  matchLengthWeight: share('Share of the score that grows with the matched length.', 0),
  matchLengthScaleTokens: count('Matched length that counts as full.', 8192),
  mode: optional(
    choice(['cache_tracking', 'estimate'], { doc: 'Matching is exact in either mode.' }),
  ),
  ...INDEX_FIELDS,
  // Which producer to read, and the settings of the approximate index of older releases.
  ...unused(
    'prefixMatchInfoProducerName',
    'autoTune',
    'hashBlockSize',
    'blockSize',
    'blockSizeTokens',
    'maxPrefixBlocksToMatch',
    'maxPrefixTokensToMatch',
    'lruCapacityPerServer',
  ),
} as const;

const INT32_MAX = 2 ** 31 - 1;

export type PlainScorerType = Exclude<ScorerType, 'prefix-cache-scorer'>;

export const SCORER_FIELDS: { readonly [T in PlainScorerType]: Field<ScorerParameters[T]> } = {
  'load-aware-scorer': table(
    {
      threshold: integer({
        doc: 'Waiting requests that score 0; 0 or less means 128.',
        fallback: 128,
        min: -INT32_MAX,
        max: INT32_MAX,
      }),
      signal: choice(['blended', 'waiting'], { doc: 'What counts as load.', fallback: 'blended' }),
    },
    'Less loaded, higher score.',
  ),
  'queue-scorer': table({}, 'Fewer waiting requests, higher score.'),
  'running-requests-size-scorer': table({}, 'Fewer running requests, higher score.'),
  'kv-cache-utilization-scorer': table({}, 'Emptier KV cache, higher score.'),
  'active-request-scorer': table(
    {
      idleThreshold: integer({ doc: 'Idle up to here.', fallback: 0, min: 0, max: INT32_MAX }),
      maxBusyScore: share('Highest score of a busy endpoint.', 1),
      ...unused('requestTimeout', 'inFlightLoadProducerName'),
    },
    'Fewer requests in flight, higher score.',
  ),
  'token-load-scorer': table(
    {
      queueThresholdTokens: count('Outstanding prompt tokens that score 0.', 4_194_304),
      ...unused('inFlightLoadProducerName'),
    },
    'Fewer outstanding prompt tokens, higher score.',
  ),
  'no-hit-lru-scorer': table(
    {
      lruSize: count('Endpoints to remember.', 1024),
      ...unused('prefixPluginType', 'prefixPluginName', 'prefixMatchInfoProducerName'),
    },
    'Cold requests go where no cold request went for longest.',
  ),
  'lora-affinity-scorer': table({}, 'Endpoints that have the adapter loaded first.'),
  'expected-delay-scorer': table(
    {
      requestTokens: decimal({
        doc: 'Cost of a request in flight to those that come after it.',
        fallback: EXPECTED_DELAY.requestTokens,
        unit: 'prompt tokens',
        min: 0,
        max: 1e6,
      }),
      contextShare: decimal({
        doc: 'The same for each token of its prompt.',
        fallback: EXPECTED_DELAY.contextShare,
        min: 0,
        max: 1000,
      }),
      copyPrice: decimal({
        doc: 'Extra cost of computing a token that another endpoint holds.',
        fallback: EXPECTED_DELAY.copyPrice,
        min: 0,
        max: 1000,
      }),
      hotRequests: decimal({
        doc: 'Requests with one prefix in 10 s that halve the price of copying it.',
        fallback: EXPECTED_DELAY.hotRequests,
        min: 0.001,
        max: 1e6,
      }),
      backlogTokens: decimal({
        doc: 'Outstanding tokens of the idlest endpoint that double the price of copying.',
        fallback: EXPECTED_DELAY.backlogTokens,
        unit: 'prompt tokens',
        min: 1,
        max: 1e12,
      }),
      recentShare: decimal({
        doc: 'Cost of a new token sent in the last half minute.',
        fallback: EXPECTED_DELAY.recentShare,
        min: 0,
        max: 1000,
      }),
      cachePressure: decimal({
        doc: 'Extra cost of new tokens where half of the KV cache is in use.',
        fallback: EXPECTED_DELAY.cachePressure,
        min: 0,
        max: 1000,
      }),
    },
    'The delay a request meets and makes; use it alone.',
  ),
};

export const FILTER_FIELDS: { readonly [T in FilterType]: Field<FilterParameters[T]> } = {
  'prefix-cache-affinity-filter': table(
    {
      affinityThreshold: share('Prefix score from which an endpoint is sticky.', 0.8),
      explorationProbability: share('How often the filter is skipped.', 0),
      maxTTFTPenaltyMs: decimal({
        doc: 'How much later a sticky endpoint may answer; 0: always stick.',
        fallback: 18_000,
        unit: 'ms',
        min: 0,
        max: 86_400_000,
      }),
      peakPrefillThroughput: decimal({
        doc: 'Prefill speed of an unloaded engine.',
        fallback: 15_928,
        unit: 'tokens/s',
        min: 1,
        max: 1e9,
      }),
      ttftSource: choice(['prefillThroughput'], {
        doc: 'How the time to first token is estimated.',
        fallback: 'prefillThroughput',
      }),
      ...unused(
        'prefixMatchInfoProducerName',
        'inFlightLoadProducerName',
        'latencyPredictionInfoProducerName',
      ),
    },
    'Keeps the endpoints that hold most of the prompt.',
  ),
};

export const PICKER_FIELDS = {
  maxNumOfEndpoints: integer({
    doc: 'Checked, not used: the order of retries is always kept.',
    fallback: 1,
    min: 1,
    max: 1024,
  }),
};
