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
  /** Start of the engine's process, unix time in seconds by its own clock, as its batches' time stamps
   * are; null when it does not say, as with several API server processes. */
  readonly startedAt: number | null;
  /** null: the engine serves no adapters. */
  readonly lora: LoraLoad | null;
}

/** `name{labels} value`; labels may hold escaped quotes and braces. Sticky: read at a line's start. */
const SAMPLE = /vllm:\w+(?:\{((?:[^"}\n]|"(?:[^"\\\n]|\\.)*")*)\})?[ \t]+(\S+)/y;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

const START = /^process_start_time_seconds[ \t]+(\S+)/m;

const PREFIX = 'vllm:';

/** The samples that matter, by name without `vllm:`; a page is mostly histograms. */
const NAMES = [
  'num_requests_waiting',
  'num_requests_running',
  'kv_cache_usage_perc',
  'gpu_cache_usage_perc',
  'cache_config_info',
  'engine_sleep_state',
  'lora_requests_info',
] as const;
type Name = (typeof NAMES)[number];
/** No known name is longer than this; a line's rest is not looked through for the end of one. */
const NAME_CHARACTERS_MAX = Math.max(...NAMES.map((name) => name.length)) + 1;

type Labels = ReadonlyMap<string, string>;
interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Lenient: lines that are not understood are passed over. Engines with several ranks report one
 * series each: counts are summed, usage is the highest. With `rank` only that rank's series count,
 * and those that name none. */
export function parseEngineMetrics(text: string, rank: number | null = null): EngineMetrics {
  const found = samples(text);
  const read = (name: Name) => (found.get(name) ?? []).filter(({ labels }) => ofRank(labels, rank));
  const sum = (name: Name) => read(name).reduce((total, { value }) => total + value, 0);
  // vLLM 0.9.2 to 0.11 report the usage under both names.
  const current = read('kv_cache_usage_perc');
  const usages = current.length > 0 ? current : read('gpu_cache_usage_perc');
  const info = read('cache_config_info')[0]?.labels;
  const state = read('engine_sleep_state');
  return {
    waitingRequests: Math.max(0, sum('num_requests_waiting')),
    runningRequests: Math.max(0, sum('num_requests_running')),
    kvCacheUsage: Math.min(1, Math.max(0, ...usages.map(({ value }) => value))),
    blockSizeTokens: positiveInteger(info?.get('block_size')),
    hashAlgorithm: known(info?.get('prefix_caching_hash_algo')),
    gpuBlocks: positiveInteger(info?.get('num_gpu_blocks')),
    prefixCaching: flag(info?.get('enable_prefix_caching')),
    sleeping: state.some(({ labels, value }) => {
      return value === 1 && labels.get('sleep_state') !== 'awake';
    }),
    startedAt: startTime(text),
    lora: loraLoad(read('lora_requests_info')),
  };
}

function samples(text: string): ReadonlyMap<string, readonly Sample[]> {
  const found = new Map<string, Sample[]>(NAMES.map((name) => [name, []]));
  for (let at = 0; at !== -1 && at < text.length; at = nextLine(text, at)) {
    if (!text.startsWith(PREFIX, at)) continue;
    const series = found.get(nameAt(text, at + PREFIX.length));
    if (series === undefined) continue;
    SAMPLE.lastIndex = at;
    const [, labels = '', written = ''] = SAMPLE.exec(text) ?? [];
    const value = Number(written);
    if (written === '' || !Number.isFinite(value)) continue;
    series.push({ labels: parseLabels(labels), value });
  }
  return found;
}

function startTime(text: string): number | null {
  const value = Number(START.exec(text)?.[1]);
  return Number.isFinite(value) && value > 0 ? value : null;
}

function nextLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? -1 : end + 1;
}

function nameAt(text: string, start: number): string {
  for (let end = start; end < start + NAME_CHARACTERS_MAX; end += 1) {
    const code = text.charCodeAt(end);
    // `{`, space, tab
    if (code === 0x7b || code === 0x20 || code === 0x09) return text.slice(start, end);
  }
  return '';
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
