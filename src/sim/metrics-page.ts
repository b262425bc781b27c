// The engine's /metrics page, in vLLM's names (VLLM.md 8).
import type { Engine } from './engine.js';
import type { EngineCounters } from './engine-counters.js';
import { type Labels, PrometheusPage } from './prometheus-page.js';

/** `old`: names of vLLM before 0.9.2, which were removed in 0.12; `both`: as in between. */
export type MetricNames = 'current' | 'old' | 'both';

export interface MetricsSource {
  readonly engine: Pick<
    Engine,
    'totals' | 'waitingRequests' | 'runningRequests' | 'cacheUsage' | 'isPaused' | 'options'
  >;
  readonly counters: EngineCounters;
  readonly modelName: string;
  readonly rank: number;
  readonly hashAlgorithm: string;
  readonly names: MetricNames;
  readonly lora: { readonly running: readonly string[]; readonly max: number };
  /** How late steps ended in real time, 99th percentile; the simulator's own metric. */
  readonly lagP99Seconds: number;
}

export function metricsPage(source: MetricsSource): string {
  const { engine, counters, names } = source;
  const { totals } = engine;
  const page = new PrometheusPage({ model_name: source.modelName, engine: String(source.rank) });
  page.gauge('vllm:num_requests_running', engine.runningRequests);
  page.gauge('vllm:num_requests_waiting', engine.waitingRequests);
  for (const reason of ['capacity', 'deferred']) {
    const value = reason === 'capacity' ? engine.waitingRequests : 0;
    page.gauge('vllm:num_requests_waiting_by_reason', value, { reason });
  }
  if (names !== 'old') {
    page.gauge('vllm:kv_cache_usage_perc', engine.cacheUsage);
    page.counter('vllm:prefix_cache_queries', totals.prefixQueryTokens);
    page.counter('vllm:prefix_cache_hits', totals.prefixHitTokens);
  }
  if (names !== 'current') {
    page.gauge('vllm:gpu_cache_usage_perc', engine.cacheUsage);
    page.counter('vllm:gpu_prefix_cache_queries', totals.prefixQueryTokens);
    page.counter('vllm:gpu_prefix_cache_hits', totals.prefixHitTokens);
  }
  page.counter('vllm:num_preemptions', totals.preemptions);
  page.counter('vllm:prompt_tokens', totals.promptTokens);
  page.counter('vllm:prompt_tokens_cached', totals.prefixHitTokens);
  page.counter('vllm:generation_tokens', totals.generatedTokens);
  for (const [reason, count] of counters.finished) {
    page.counter('vllm:request_success', count, { finished_reason: reason });
  }
  for (const [name, histogram] of Object.entries(counters.histograms)) {
    page.histogram(`vllm:${name}`, histogram);
  }
  for (const state of ['awake', 'weights_offloaded', 'discard_all']) {
    const isState = engine.isPaused ? state === 'discard_all' : state === 'awake';
    page.gauge('vllm:engine_sleep_state', isState ? 1 : 0, { sleep_state: state });
  }
  page.gauge('vllm:lora_requests_info', Date.now() / 1000, {
    max_lora: String(source.lora.max),
    waiting_lora_adapters: '',
    running_lora_adapters: source.lora.running.join(','),
  });
  page.info('vllm:cache_config_info', cacheConfig(source));
  page.gauge('warmpath_sim_step_lag_p99_seconds', source.lagP99Seconds);
  return page.text();
}

/** vLLM writes every field of its CacheConfig; these are the ones with a meaning here. */
function cacheConfig({ engine, hashAlgorithm, rank }: MetricsSource): Labels {
  const { blockSizeTokens, usableBlocks } = engine.options;
  return {
    block_size: String(blockSizeTokens),
    cache_dtype: 'auto',
    enable_prefix_caching: 'True',
    gpu_memory_utilization: '0.9',
    kv_cache_size_tokens: String(usableBlocks * blockSizeTokens),
    num_cpu_blocks: 'None',
    // With the null block, which requests cannot use.
    num_gpu_blocks: String(usableBlocks + 1),
    num_gpu_blocks_override: 'None',
    prefix_caching_hash_algo: hashAlgorithm,
    prefix_match_unit: 'None',
    sliding_window: 'None',
    engine: String(rank),
  };
}
