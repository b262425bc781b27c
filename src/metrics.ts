// Every metric of the router is declared here, with its help text.
import { Counter } from './metrics/counter.js';
import { Gauge } from './metrics/gauge.js';
import { Histogram } from './metrics/histogram.js';
import { Registry } from './metrics/registry.js';

/** Seconds, from 50 us to 5 s: decisions are fast, and a slow one must still be told apart. */
const DECISION_BUCKETS = [
  5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
const LATENCY_BUCKETS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
];
/** Predicted minus reported cached tokens: 0 is the only bucket an exact router wants to fill. */
const ERROR_BUCKETS = [-4096, -512, -128, -64, -16, -1, 0, 16, 64, 128, 512, 4096];
const SCORE_BUCKETS = [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 5, 10];

export type DecisionStage = 'parse' | 'render' | 'tokenize' | 'hash' | 'match' | 'wait' | 'total';

export function createMetrics() {
  const registry = new Registry();
  const named = (name: string) => `warmpath_${name}`;
  const counter = <L extends string = never>(name: string, help: string, labels: L[] = []) =>
    registry.add(new Counter<L>(named(name), help, labels));
  const gauge = <L extends string = never>(name: string, help: string, labels: L[] = []) =>
    registry.add(new Gauge<L>(named(name), help, labels));
  const histogram = <L extends string = never>(
    name: string,
    help: string,
    bounds: readonly number[],
    labels: L[] = [],
  ) => registry.add(new Histogram<L>(named(name), help, labels, bounds));

  return {
    registry,
    buildInfo: gauge('build_info', '1, with the version of the router.', ['version']),
    requests: counter(
      'requests',
      'Requests answered, by HTTP status code (request distribution).',
      ['model', 'endpoint', 'code'],
    ),
    decisionSeconds: histogram(
      'decision_seconds',
      'Time from the body received to the endpoint chosen: total, its stages, and waiting between them.',
      DECISION_BUCKETS,
      ['stage'],
    ),
    promptTokens: counter('prompt_tokens', 'Prompt tokens of routed requests.', ['model']),
    matchedTokens: counter(
      'matched_tokens',
      'Prompt tokens that the chosen endpoint was known to hold when it was chosen (predicted cache hit rate: over prompt tokens).',
      ['model'],
    ),
    reportedPromptTokens: counter(
      'reported_prompt_tokens',
      'Prompt tokens of the answers in which an engine reported its cached tokens.',
      ['model'],
    ),
    cachedTokensActual: counter(
      'cached_tokens_actual',
      'Prompt tokens served from cache, as the engines reported them (cache hit rate: over reported prompt tokens).',
      ['model'],
    ),
    matchErrorTokens: histogram(
      'match_error_tokens',
      'Matched tokens minus the cached tokens the engine reported, per answer that reports them.',
      ERROR_BUCKETS,
    ),
    matchMismatches: counter(
      'match_mismatches',
      'Responses whose cached tokens were not those predicted, by likely cause.',
      ['cause'],
    ),
    tokenParity: counter(
      'token_parity',
      "Sampled requests whose tokens were compared with the engine's.",
      ['result'],
    ),
    enginePrompts: counter(
      'engine_prompts',
      'Prompts that engines tokenize for the router, by what came of the question (nobody: all engines rest after failures).',
      ['result'],
    ),
    retries: counter('retries', 'Requests sent again to another endpoint.', ['reason']),
    unscheduled: counter(
      'unscheduled',
      'Requests routed by load alone because the prompt could not be matched.',
      ['reason'],
    ),
    rejected: counter('rejected', 'Requests refused by the router, by reason.', ['reason']),
    waitingRequests: gauge('waiting_requests', 'Requests waiting for a place at the engines.', [
      'model',
    ]),
    indexBlocks: gauge(
      'index_blocks',
      'Distinct blocks in the prefix index (kv_block_index_size).',
    ),
    indexBytes: gauge('index_bytes', 'Memory of the prefix index in bytes.'),
    indexMaxBytes: gauge('index_max_bytes', 'Bound of that memory.'),
    indexRefused: gauge(
      'index_refused_blocks',
      'Blocks not recorded, or given up, because the index reached its byte bound.',
    ),
    endpointBlocks: gauge('endpoint_blocks', 'Blocks an endpoint holds on its GPU.', ['endpoint']),
    events: counter('events', 'KV events, by what became of them.', ['endpoint', 'type']),
    eventGaps: counter('event_gaps', 'Gaps in the sequence of event batches.', ['endpoint']),
    eventRestarts: counter('event_restarts', 'Engine restarts seen in the event sequence.', [
      'endpoint',
    ]),
    eventReplays: counter('event_replays', 'Replays asked of an engine.', ['endpoint']),
    eventLagSeconds: gauge(
      'event_lag_seconds',
      'Age of the newest event batch when it was applied; replays do not count.',
      ['endpoint'],
    ),
    endpointTrust: gauge('endpoint_trust', '1 for the trust an endpoint has, else 0.', [
      'endpoint',
      'state',
    ]),
    endpointHealthy: gauge('endpoint_healthy', '1 while the endpoint may get requests.', [
      'endpoint',
    ]),
    endpointDraining: gauge('endpoint_draining', '1 while the endpoint gets nothing new.', [
      'endpoint',
    ]),
    discoveredEndpoints: gauge(
      'discovered_endpoints',
      'Endpoints of a model, by the kind of source that told of them.',
      ['model', 'source'],
    ),
    discoveryFollowing: gauge(
      'discovery_following',
      '1 while a source of endpoints can be read, else 0: then the last ones hold.',
      ['model', 'source'],
    ),
    discoveryFailures: counter(
      'discovery_failures',
      'Times that a source of endpoints could not be read.',
      ['model', 'source'],
    ),
    endpointScore: histogram(
      'endpoint_score',
      'Total score of an endpoint when it was chosen (endpoint scores).',
      SCORE_BUCKETS,
      ['endpoint'],
    ),
    inflightRequests: gauge('inflight_requests', 'Requests sent and not ended.', ['endpoint']),
    inflightTokens: gauge(
      'inflight_tokens',
      'Uncached prompt tokens of requests that have had no first token yet.',
      ['endpoint'],
    ),
    timeToFirstToken: histogram(
      'time_to_first_token_seconds',
      'From the request received to the first bytes of the answer.',
      LATENCY_BUCKETS,
      ['model'],
    ),
    queueDepth: gauge('queue_depth', 'Requests waiting for a tokenizer thread.'),
    queueRunning: gauge('queue_running', 'Requests that tokenizer threads are working on.'),
    queueRefused: counter('queue_refused', 'Requests refused because too many were waiting.'),
    queueOverdue: counter('queue_overdue', 'Requests whose match was not ready in time.'),
    matchedPrompts: counter(
      'matched_prompts',
      'Requests whose prompt was matched, by where: on the main thread (little to do) or by a tokenizer thread.',
      ['where'],
    ),
    tokenizerCacheLookups: counter(
      'tokenizer_cache_lookups',
      'Parts of prompts looked up among those seen before: prompts (to block hashes), texts (to tokens), tokens (to block hashes).',
      ['cache', 'result'],
    ),
    tokenizerCacheLookupBytes: counter(
      'tokenizer_cache_lookup_bytes',
      'Bytes of the parts of prompts that were looked up.',
      ['cache', 'result'],
    ),
    tokenizerCacheBytes: gauge('tokenizer_cache_bytes', 'Memory of these caches.', ['cache']),
    certificateExpiry: gauge(
      'certificate_expiry_timestamp_seconds',
      'When the certificate of a port expires, since the Unix epoch.',
      ['port'],
    ),
    traceSpans: counter(
      'trace_spans',
      'Spans of sampled requests, by whether the collector took them: sent or lost.',
      ['result'],
    ),
    threadDeaths: counter(
      'thread_deaths',
      'Threads that died and were started again: tokenizer or event.',
      ['thread'],
    ),
    threadsReady: gauge('threads_ready', 'Threads that can work.', ['thread']),
    threadsWanted: gauge('threads_wanted', 'Threads there should be.', ['thread']),
    configReloads: counter(
      'config_reloads',
      'Configurations read while running: changed (taken over), same (nothing had changed), refused (the one before stays).',
      ['result'],
    ),
    configRefused: gauge(
      'config_refused',
      '1 while the newest configuration is refused and an older one is in use, else 0.',
    ),
    configWaiting: gauge(
      'config_waiting_settings',
      'Settings of the configuration that wait for a restart.',
    ),
    processCpuSeconds: registry.add(
      new Counter('process_cpu_seconds', 'CPU time of the process, user and system.', []),
    ),
    processMemory: registry.add(
      new Gauge('process_resident_memory_bytes', 'Resident memory of the process.', []),
    ),
    processStart: registry.add(
      new Gauge('process_start_time_seconds', 'Start of the process since the Unix epoch.', []),
    ),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
