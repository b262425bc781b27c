// What the router needs of an engine's Prometheus text, in vLLM's old and new names.

export interface EngineMetrics {
  readonly waitingRequests: number;
  readonly runningRequests: number;
  /** 0 to 1; the fullest of several ranks. */
  readonly kvCacheUsage: number;
  /** From `vllm:cache_config_info`; null when the engine does not say. */
  readonly blockSizeTokens: number | null;
  readonly hashAlgorithm: string | null;
  readonly gpuBlocks: number | null;
  readonly prefixCaching: boolean | null;
  readonly sleeping: boolean;
}

/** A line `name{labels} value`; labels may hold escaped quotes and braces. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Lenient: lines that are not understood are passed over. Engines with several ranks report one
 * series each; counts are summed, usage is the highest. */
export function parseEngineMetrics(text: string): EngineMetrics {
  let waiting = 0;
  let running = 0;
  let usage = 0;
  let sleeping = false;
  let info: ReadonlyMap<string, string> = new Map();
  for (const line of text.split('\n')) {
    if (!line.startsWith('vllm:')) continue;
    const sample = SAMPLE.exec(line);
    if (sample === null) continue;
    const [, name = '', labels = '', written = ''] = sample;
    const value = Number(written);
    if (!Number.isFinite(value)) continue;
    switch (name) {
      case 'vllm:num_requests_waiting':
        waiting += value;
        break;
      case 'vllm:num_requests_running':
        running += value;
        break;
      case 'vllm:kv_cache_usage_perc':
      case 'vllm:gpu_cache_usage_perc':
        usage = Math.max(usage, value);
        break;
      case 'vllm:cache_config_info':
        info = new Map([...labels.matchAll(LABEL)].map(([, key = '', text = '']) => [key, text]));
        break;
      case 'vllm:engine_sleep_state':
        if (value === 1 && !labels.includes('sleep_state="awake"')) sleeping = true;
        break;
    }
  }
  return {
    waitingRequests: waiting,
    runningRequests: running,
    kvCacheUsage: Math.min(1, usage),
    blockSizeTokens: positiveInteger(info.get('block_size')),
    hashAlgorithm: info.get('prefix_caching_hash_algo') ?? null,
    gpuBlocks: positiveInteger(info.get('num_gpu_blocks')),
    prefixCaching: flag(info.get('enable_prefix_caching')),
    sleeping,
  };
}

function positiveInteger(text: string | undefined): number | null {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : null;
}

/** Python writes True, False and None. */
function flag(text: string | undefined): boolean | null {
  if (text === 'True') return true;
  return text === 'False' ? false : null;
}
