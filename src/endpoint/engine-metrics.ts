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

/** `name{labels} value`; labels may hold escaped quotes and braces. Sticky: read at a line's start. */
const SAMPLE = /vllm:\w+(?:\{((?:[^"}\n]|"(?:[^"\\\n]|\\.)*")*)\})?[ \t]+(\S+)/y;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

type Labels = ReadonlyMap<string, string>;
interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Lenient: lines that are not understood are passed over. Engines with several ranks report one
 * series each: counts are summed, usage is the highest. With `rank` only that rank's series count,
 * and those that name none. */
export function parseEngineMetrics(text: string, rank: number | null = null): EngineMetrics {
  const read = (name: string) => samples(text, name).filter(({ labels }) => ofRank(labels, rank));
  const sum = (name: string) => read(name).reduce((total, { value }) => total + value, 0);
  // vLLM 0.9.2 to 0.11 report the usage under both names.
  const current = read('vllm:kv_cache_usage_perc');
  const usages = current.length > 0 ? current : read('vllm:gpu_cache_usage_perc');
  const info = read('vllm:cache_config_info')[0]?.labels;
  const state = read('vllm:engine_sleep_state');
  return {
    waitingRequests: Math.max(0, sum('vllm:num_requests_waiting')),
    runningRequests: Math.max(0, sum('vllm:num_requests_running')),
    kvCacheUsage: Math.min(1, Math.max(0, ...usages.map(({ value }) => value))),
    blockSizeTokens: positiveInteger(info?.get('block_size')),
    hashAlgorithm: known(info?.get('prefix_caching_hash_algo')),
    gpuBlocks: positiveInteger(info?.get('num_gpu_blocks')),
    prefixCaching: flag(info?.get('enable_prefix_caching')),
    sleeping: state.some(({ labels, value }) => {
      return value === 1 && labels.get('sleep_state') !== 'awake';
    }),
    lora: loraLoad(read('vllm:lora_requests_info')),
  };
}

/** The page is searched for the few names that matter: it is mostly histograms. */
function samples(text: string, name: string): Sample[] {
  const found: Sample[] = [];
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + name.length)) {
    const before = at === 0 ? '\n' : text[at - 1];
    const after = text[at + name.length];
    if (before !== '\n' || (after !== '{' && after !== ' ' && after !== '\t')) continue;
    SAMPLE.lastIndex = at;
    const [, labels = '', written = ''] = SAMPLE.exec(text) ?? [];
    const value = Number(written);
    if (written === '' || !Number.isFinite(value)) continue;
    found.push({ labels: parseLabels(labels), value });
  }
  return found;
}

function parseLabels(text: string): Labels {
  const pairs = [...text.matchAll(LABEL)];
  return new Map(
    pairs.map(([, key = '', value = '']) => [key, value.replace(/\\(.)/g, unescaped)]),
  );
}

function unescaped(_whole: string, character: string): string {
  return character === 'n' ? '\n' : character;
}

function ofRank(labels: Labels, rank: number | null): boolean {
  const engine = labels.get('engine');
  return rank === null || engine === undefined || engine === String(rank);
}

/** Series of earlier sets of adapters stay on the page; the value is the time of the last change. */
function loraLoad(series: readonly Sample[]): LoraLoad | null {
  const [first, ...rest] = series;
  if (first === undefined) return null;
  const { labels } = rest.reduce((last, one) => (one.value > last.value ? one : last), first);
  const names = (text = '') => text.split(',').flatMap((name) => name.trim() || []);
  return {
    running: names(labels.get('running_lora_adapters')),
    waiting: names(labels.get('waiting_lora_adapters')),
    max: positiveInteger(labels.get('max_lora')) ?? 0,
  };
}

function positiveInteger(text: string | undefined): number | null {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}

/** Python writes None for what is not set. */
function known(text: string | undefined): string | null {
  return text === undefined || text === '' || text === 'None' ? null : text;
}

function flag(text: string | undefined): boolean | null {
  if (text === 'True') return true;
  return text === 'False' ? false : null;
}
