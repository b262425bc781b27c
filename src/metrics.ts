// Every metric of the router is declared here, with its help text, and exposed as Prometheus text.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds, from 50 us to 5 s: decisions are fast, and a slow one must still be told apart. */
const DECISION_BUCKETS = [
  5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
const LATENCY_BUCKETS = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
];
/** Predicted minus reported cached tokens: 0 is the only bucket an exact router wants to fill. */
const ERROR_BUCKETS = [-4096, -512, -128, -64, -16, -1, 0, 16, 64, 128, 512, 4096];

export type DecisionStage = 'parse' | 'render' | 'tokenize' | 'hash' | 'match' | 'wait' | 'total';

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter<L>({ name: `warmpath_${name}`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge<L>({ name: `warmpath_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: L[] = [],
  ) => new Histogram<L>({ name: `warmpath_${name}`, help, labelNames, buckets, registers });

  return {
    registry,
    requests: counter('requests_total', 'Requests answered, by HTTP status code.', [
      'model',
      'endpoint',
      'code',
    ]),
    decisionSeconds: histogram(
      'decision_seconds',
      'Time from the body received to the endpoint chosen, by stage.',
      DECISION_BUCKETS,
      ['stage'],
    ),
    promptTokens: counter('prompt_tokens_total', 'Prompt tokens of routed requests.', ['model']),
    matchedTokens: counter(
      'matched_tokens_total',
      'Prompt tokens that the chosen endpoint was known to hold when it was chosen.',
      ['model'],
    ),
    cachedTokensActual: counter(
      'cached_tokens_actual_total',
      'Prompt tokens served from cache, as the engines reported them.',
      ['model'],
    ),
    matchErrorTokens: histogram(
      'match_error_tokens',
      'Matched tokens minus the cached tokens the engine reported, per response that reports them.',
      ERROR_BUCKETS,
    ),
    matchMismatches: counter(
      'match_mismatches_total',
      'Responses whose cached tokens were not those predicted, by likely cause.',
      ['cause'],
    ),
    tokenParity: counter(
      'token_parity_total',
      "Sampled requests whose tokens were compared with the engine's.",
      ['result'],
    ),
    retries: counter('retries_total', 'Requests sent again to another endpoint.', ['reason']),
    unscheduled: counter(
      'unscheduled_total',
      'Requests routed by load alone because the prompt could not be matched.',
      ['reason'],
    ),
    rejected: counter('rejected_total', 'Requests refused by the router, by reason.', ['reason']),
    waitingRequests: gauge('waiting_requests', 'Requests waiting for a place at the engines.', [
      'model',
    ]),
    indexBlocks: gauge('index_blocks', 'Distinct blocks in the prefix index.'),
    indexBytes: gauge('index_bytes', 'Memory of the prefix index in bytes.'),
    indexRefused: gauge(
      'index_refused_blocks',
      'Blocks not recorded because the index reached its byte bound.',
    ),
    endpointBlocks: gauge('endpoint_blocks', 'Blocks an endpoint holds on its GPU.', ['endpoint']),
    events: counter('events_total', 'KV events applied, by type.', ['endpoint', 'type']),
    eventGaps: counter('event_gaps_total', 'Gaps in the sequence of event batches.', ['endpoint']),
    eventRestarts: counter('event_restarts_total', 'Engine restarts seen in the event sequence.', [
      'endpoint',
    ]),
    eventReplays: counter('event_replays_total', 'Replays asked of an engine.', ['endpoint']),
    eventLagSeconds: gauge(
      'event_lag_seconds',
      'Age of the newest event batch when it was applied.',
      ['endpoint'],
    ),
    endpointTrust: gauge('endpoint_trust', '1 for the trust an endpoint has, else 0.', [
      'endpoint',
      'state',
    ]),
    endpointHealthy: gauge('endpoint_healthy', '1 while the endpoint may get requests.', [
      'endpoint',
    ]),
    endpointScore: histogram(
      'endpoint_score',
      'Total score of the chosen endpoint.',
      [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 5, 10],
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
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
