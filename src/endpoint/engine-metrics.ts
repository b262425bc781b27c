// What the router needs of an engine's Prometheus text, in vLLM's old and new names.
import type { LoraLoad } from './endpoint.js';

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
  /** null: the engine serves no adapters. */
  readonly lora: LoraLoad | null;
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
  let lora: LoraSample | null = null;
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
        info = labelsOf(labels);
        break;
      case 'vllm:lora_requests_info':
        // Each change leaves a series behind; its value is the time, so the newest one counts.
        if (lora === null || value >= lora.time) lora = { time: value, labels: labelsOf(labels) };
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
    lora: lora === null ? null : loraLoad(lora.labels),
  };
}

interface LoraSample {
  readonly time: number;
  readonly labels: ReadonlyMap<string, string>;
}

function loraLoad(labels: ReadonlyMap<string, string>): LoraLoad {
  const names = (key: string) => (labels.get(key) ?? '').split(',').filter((name) => name !== '');
  return {
    running: names('running_lora_adapters'),
    waiting: names('waiting_lora_adapters'),
    max: positiveInteger(labels.get('max_lora')) ?? 0,
  };
}

function labelsOf(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(LABEL)].map(([, key = '', value = '']) => [key, value]));
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
