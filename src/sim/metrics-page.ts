// The engine's /metrics page, in vLLM's names (VLLM.md 8): one series for each data-parallel rank.

import type { EngineRank } from './engine-rank.js';
import { type Labels, PrometheusPage } from './prometheus-page.js';
import type { ServedModels } from './served-models.js';
import type { SimOptions } from './sim-options.js';
import type { ClockLag } from './wall-clock.js';

export interface MetricsSource {
  readonly options: Pick<SimOptions, 'model' | 'hashAlgorithm' | 'metricNames' | 'prefixCaching'>;
  readonly models: ServedModels;
  readonly ranks: readonly EngineRank[];
  /** Start of the simulated process, unix time in seconds. */
  readonly startedAt: number;
  /** How late steps ended in real time: the simulator's own metric. */
  readonly lag: ClockLag;
}

type Page = PrometheusPage<EngineRank>;

export function metricsPage({ options, models, ranks, startedAt, lag }: MetricsSource): string {
  const page: Page = new PrometheusPage(ranks, ({ rank }) => ({
    model_name: options.model,
    engine: String(rank),
  }));
  addLoad(page);
  if (options.metricNames !== 'old') addCache(page, 'vllm:');
  if (options.metricNames !== 'current') addCache(page, 'vllm:gpu_');
  addRequests(page);
  page.family('vllm:engine_sleep_state', 'gauge', ({ engine }) =>
    ['awake', 'weights_offloaded', 'discard_all'].map((state) => {
      const isState = state === (engine.isPaused ? 'discard_all' : 'awake');
      return [{ sleep_state: state }, isState ? 1 : 0];
    }),
  );
  if (models.adapterNames.length > 0) addAdapters(page, models);
  page.info('vllm:cache_config_info', (rank) => cacheConfig(rank, options));
  page.gauge('warmpath_sim_step_lag_p99_seconds', () => lag.p99Ms / 1000);
  return `${page.text()}${processStart(startedAt)}`;
}

/** Of the Python client's own metrics, which have no labels. */
function processStart(startedAt: number): string {
  const name = 'process_start_time_seconds';
  const help = 'Start time of the process since unix epoch in seconds.';
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${startedAt}\n`;
}

function addLoad(page: Page): void {
  page.gauge('vllm:num_requests_running', ({ engine }) => engine.runningRequests);
  page.gauge('vllm:num_requests_waiting', ({ engine }) => engine.waitingRequests);
  page.family('vllm:num_requests_waiting_by_reason', 'gauge', ({ engine }) => [
    [{ reason: 'capacity' }, engine.waitingRequests],
    [{ reason: 'deferred' }, 0],
  ]);
}

/** The names had a `gpu_` up to vLLM 0.11; 0.9.2 to 0.11 had both. */
function addCache(page: Page, prefix: string): void {
  page.gauge(`${prefix}${prefix.endsWith('gpu_') ? '' : 'kv_'}cache_usage_perc`, ({ engine }) => {
    return engine.cacheUsage;
  });
  page.counter(`${prefix}prefix_cache_queries`, ({ engine }) => engine.totals.prefixQueryTokens);
  page.counter(`${prefix}prefix_cache_hits`, ({ engine }) => engine.totals.prefixHitTokens);
}

function addRequests(page: Page): void {
  page.counter('vllm:num_preemptions', ({ engine }) => engine.totals.preemptions);
  page.counter('vllm:prompt_tokens', ({ engine }) => engine.totals.promptTokens);
  page.counter('vllm:prompt_tokens_cached', ({ engine }) => engine.totals.prefixHitTokens);
  page.counter('vllm:generation_tokens', ({ engine }) => engine.totals.generatedTokens);
  page.family('vllm:request_success', 'counter', ({ counters }) =>
    [...counters.finished].map(([reason, count]) => [{ finished_reason: reason }, count]),
  );
  page.histogram('vllm:time_to_first_token_seconds', (rank) => rank.counters.firstToken);
  page.histogram('vllm:inter_token_latency_seconds', (rank) => rank.counters.interToken);
  page.histogram('vllm:request_time_per_output_token_seconds', (rank) => rank.counters.perToken);
  page.histogram('vllm:e2e_request_latency_seconds', (rank) => rank.counters.endToEnd);
  page.histogram('vllm:request_queue_time_seconds', (rank) => rank.counters.queue);
  page.histogram('vllm:request_prefill_time_seconds', (rank) => rank.counters.prefill);
  page.histogram('vllm:request_decode_time_seconds', (rank) => rank.counters.decode);
  page.histogram('vllm:request_inference_time_seconds', (rank) => rank.counters.inference);
}

/** vLLM has this metric only where adapters can be served. */
function addAdapters(page: Page, { adapterNames }: ServedModels): void {
  page.family('vllm:lora_requests_info', 'gauge', () => {
    const running_lora_adapters = adapterNames.join(',');
    const max_lora = String(adapterNames.length);
    return [[{ max_lora, waiting_lora_adapters: '', running_lora_adapters }, Date.now() / 1000]];
  });
}

/** vLLM writes every field of its CacheConfig; these are the ones with a meaning here. */
function cacheConfig({ engine, rank }: EngineRank, options: MetricsSource['options']): Labels {
  const { blockSizeTokens, usableBlocks } = engine.options;
  return {
    block_size: String(blockSizeTokens),
    cache_dtype: 'auto',
    enable_prefix_caching: options.prefixCaching ? 'True' : 'False',
    gpu_memory_utilization: '0.9',
    kv_cache_size_tokens: String(usableBlocks * blockSizeTokens),
    num_cpu_blocks: 'None',
    // With the null block, which requests cannot use.
    num_gpu_blocks: String(usableBlocks + 1),
    num_gpu_blocks_override: 'None',
    prefix_caching_hash_algo: options.hashAlgorithm,
    prefix_match_unit: 'None',
    sliding_window: 'None',
    engine: String(rank),
  };
}
