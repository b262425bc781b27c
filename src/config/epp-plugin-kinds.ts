// Plugins an EndpointPickerConfig may declare, and what each becomes here.
import type { PlainScorerType } from './epp-plugin-fields.js';
import { UNSUPPORTED_PLUGINS } from './epp-unsupported.js';
import { type Fields, unused } from './field.js';
import type { FilterType, PickerType } from './scheduling-plan.js';

export type PluginKind =
  | { readonly role: 'scorer'; readonly type: PlainScorerType }
  /** Scores the match and, in generations 1 and 2, owns index and events. */
  | { readonly role: 'prefix-scorer' }
  | { readonly role: 'filter'; readonly type: FilterType }
  | { readonly role: 'picker'; readonly type: PickerType }
  /** Owns index and events, scores nothing. */
  | { readonly role: 'index' }
  /** Needs no action; `note` says what stands in for it. */
  | { readonly role: 'none'; readonly note: string; readonly fields: Fields }
  /** Exists in llm-d; leaving it out silently would change where requests go. */
  | { readonly role: 'unsupported' };

const none = (note: string, ...parameters: readonly string[]): PluginKind => ({
  role: 'none',
  note,
  fields: unused(...parameters),
});

const tokenProducer = none(
  'prompts are tokenized in process, with the models[].tokenizer of our configuration',
  'modelName',
  'vllm',
  'estimate',
  'udsTokenizerConfig',
  'tokenizerConfig',
);

const SUPPORTED: Readonly<Record<string, PluginKind>> = {
  'prefix-cache-scorer': { role: 'prefix-scorer' },
  'precise-prefix-cache-scorer': { role: 'prefix-scorer' },
  'load-aware-scorer': { role: 'scorer', type: 'load-aware-scorer' },
  'queue-scorer': { role: 'scorer', type: 'queue-scorer' },
  'running-requests-size-scorer': { role: 'scorer', type: 'running-requests-size-scorer' },
  'kv-cache-utilization-scorer': { role: 'scorer', type: 'kv-cache-utilization-scorer' },
  'active-request-scorer': { role: 'scorer', type: 'active-request-scorer' },
  'token-load-scorer': { role: 'scorer', type: 'token-load-scorer' },
  'no-hit-lru-scorer': { role: 'scorer', type: 'no-hit-lru-scorer' },
  'lora-affinity-scorer': { role: 'scorer', type: 'lora-affinity-scorer' },
  'expected-delay-scorer': { role: 'scorer', type: 'expected-delay-scorer' },
  'prefix-cache-affinity-filter': { role: 'filter', type: 'prefix-cache-affinity-filter' },
  'max-score-picker': { role: 'picker', type: 'max-score-picker' },
  'weighted-random-picker': { role: 'picker', type: 'weighted-random-picker' },
  'random-picker': { role: 'picker', type: 'random-picker' },
  'precise-prefix-cache-producer': { role: 'index' },
  'single-profile-handler': none('there is one profile'),
  'token-producer': tokenProducer,
  tokenizer: tokenProducer,
  'approx-prefix-cache-producer': none(
    'matching is exact; no approximate index is kept beside it',
    'autoTune',
    'blockSizeTokens',
    'blockSize',
    'maxPrefixTokensToMatch',
    'maxPrefixBlocksToMatch',
    'lruCapacityPerServer',
  ),
  'inflight-load-producer': none(
    'requests and uncached prompt tokens in flight are always counted',
    'addEstimatedOutputTokens',
    'outputRatio',
    'maxEstimatedOutputTokens',
  ),
  'decode-filter': none('every endpoint of ours decodes, so all pass'),
  'metrics-data-source': none(
    'engine metrics are polled as the `monitor` section says',
    'scheme',
    'path',
    'port',
    'insecureSkipVerify',
    'caCertPath',
    'clientCertPath',
    'clientKeyPath',
    'interval',
  ),
  'core-metrics-extractor': none(
    "vLLM's metric names are known, old and new",
    'engineLabelKey',
    'defaultEngine',
    'engineConfigs',
  ),
  'models-data-source': none(
    '/v1/models is polled as the `monitor` section says',
    'scheme',
    'path',
    'insecureSkipVerify',
  ),
  'models-data-extractor': none('adapters and length limits are read from /v1/models'),
  'endpoint-notification-source': none('the event thread follows the endpoint set by itself'),
  'openai-parser': none('OpenAI requests are always parsed'),
  'anthropic-parser': none('/v1/messages is always parsed'),
  'vllmhttp-parser': none("vLLM's routes are always parsed"),
  'utilization-detector': none(
    'not applied: limits.queuedRequests bounds the queue instead',
    'queueDepthThreshold',
    'kvCacheUtilThreshold',
    'metricsStalenessThreshold',
    'headroom',
  ),
  'concurrency-detector': none(
    'not applied: limits.inflightRequests bounds requests instead',
    'concurrencyMode',
    'maxConcurrency',
    'maxTokenConcurrency',
    'headroom',
    'inFlightLoadProducerName',
  ),
};

const KINDS: ReadonlyMap<string, PluginKind> = new Map<string, PluginKind>([
  ...Object.entries(SUPPORTED),
  ...UNSUPPORTED_PLUGINS.map((type) => [type, { role: 'unsupported' }] as const),
]);

export function pluginKind(type: string): PluginKind | null {
  return KINDS.get(type) ?? null;
}

/** Types to suggest for one that is not known. */
export const PLUGIN_TYPES: readonly string[] = Object.keys(SUPPORTED);
