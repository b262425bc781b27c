// `warmpath sim`: one simulated vLLM engine as a process.
import { parseArgs } from 'node:util';
import { ConfigError } from '../errors.js';
import { log } from '../log.js';
import { HASH_ALGORITHMS } from '../native.js';
import { EXTRA_KEY_PROFILES } from '../prefix/hash-settings.js';
import { EVENT_SCHEMAS } from '../sim/event-encoder.js';
import { loadPromptEncoder, shippedTokenizer } from '../sim/model-encoder.js';
import { startSimEngine } from '../sim/sim-engine.js';
import { SIM_DEFAULTS, type SimOptions } from '../sim/sim-options.js';
import { TIMING_NAMES } from '../sim/timing.js';
import { untilStopped } from './shutdown.js';

const USAGE = `usage: warmpath sim [flags]

  --host HOST, --port PORT       where to serve HTTP (0.0.0.0, 8000; port 0: a free one)
  --model NAME                   name clients use (${SIM_DEFAULTS.model})
  --tokenizer DIR                folder with tokenizer.json (a Qwen3 tokenizer comes with us)
  --lora NAME                    a LoRA adapter; may be repeated
  --max-model-len N              longest prompt and answer in tokens (${SIM_DEFAULTS.maxModelLen})
  --kv-events ADDRESS            publish KV cache events, such as tcp://*:5557
  --kv-replay ADDRESS            answer replay requests, such as tcp://*:5567
  --topic TEXT                   topic of the events
  --event-schema NAME            map, array, or a generation: ${EVENT_SCHEMAS.join(' ')} (map)
  --raw-hashes                   events carry digests in place of 64-bit integers
  --buffer-steps N               batches kept for replay (${SIM_DEFAULTS.bufferSteps})
  --data-parallel-size N         ranks behind this server, on consecutive event ports (1)
  --data-parallel-rank N         number of the first rank (0)
  --block-size N                 tokens a block (${SIM_DEFAULTS.blockSizeTokens})
  --hash-algo NAME               ${HASH_ALGORITHMS.join(', ')} (${SIM_DEFAULTS.hashAlgorithm})
  --hash-seed TEXT               the engine's PYTHONHASHSEED (unset: the default of vLLM 0.29)
  --hash-profile NAME            ${EXTRA_KEY_PROFILES.join(', ')}
  --kv-tokens N                  size of the KV cache (what the timing's GPU holds)
  --timing NAME                  ${TIMING_NAMES.join(', ')}
  --speedup X                    time passes X times faster (1)
  --max-num-seqs N, --max-num-batched-tokens N
  --api-key KEY                  guard /v1 like vLLM
  --dev-routes                   reset, sleep and wake over HTTP
  --metric-names NAME            current, old or both
`;

const FLAGS = {
  host: { type: 'string' },
  port: { type: 'string' },
  model: { type: 'string' },
  tokenizer: { type: 'string' },
  lora: { type: 'string', multiple: true },
  'max-model-len': { type: 'string' },
  'kv-events': { type: 'string' },
  'kv-replay': { type: 'string' },
  topic: { type: 'string' },
  'event-schema': { type: 'string' },
  'raw-hashes': { type: 'boolean' },
  'buffer-steps': { type: 'string' },
  'data-parallel-size': { type: 'string' },
  'data-parallel-rank': { type: 'string' },
  'block-size': { type: 'string' },
  'hash-algo': { type: 'string' },
  'hash-seed': { type: 'string' },
  'hash-profile': { type: 'string' },
  'kv-tokens': { type: 'string' },
  timing: { type: 'string' },
  speedup: { type: 'string' },
  'max-num-seqs': { type: 'string' },
  'max-num-batched-tokens': { type: 'string' },
  'api-key': { type: 'string' },
  'dev-routes': { type: 'boolean' },
  'metric-names': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Serves until SIGTERM or SIGINT. Rejects with ConfigError on a wrong flag or a taken address. */
export async function runSim(args: readonly string[]): Promise<void> {
  const { values } = parseFlags(args);
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const stopped = untilStopped();
  const encoder = await loadPromptEncoder(values.tokenizer ?? shippedTokenizer());
  const sim = await startSimEngine({ ...optionsOf(values), encoder });
  const { kvEvents, kvReplay, hashSettings, options } = sim;
  log.info('simulated engine serves', {
    ...{ url: sim.url, model: options.model, timing: options.timing, kvEvents, kvReplay },
    ...{ hashAlgorithm: hashSettings.algorithm, hashRoot: hashSettings.rootName },
  });
  process.stdout.write(`ready ${sim.url}\n`);
  const signal = await stopped;
  const { lag, steps } = sim.stats;
  log.info('simulated engine ends', { signal, steps, lag });
  sim.close();
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, allowPositionals: false });
  } catch (error) {
    throw new ConfigError(`sim: ${error instanceof Error ? error.message : error}`);
  }
}

type Values = ReturnType<typeof parseFlags>['values'];

function optionsOf(values: Values): Omit<SimOptions, 'encoder'> {
  const number = (flag: keyof Values, fallback: number, range: Range = COUNT) =>
    numberOf(flag, values[flag], fallback, range);
  const count = (flag: keyof Values) => numberOf(flag, values[flag], null, COUNT);
  return {
    ...SIM_DEFAULTS,
    host: values.host ?? '0.0.0.0',
    port: number('port', 8000, { min: 0, max: 65_535 }),
    model: values.model ?? SIM_DEFAULTS.model,
    loraAdapters: values.lora ?? [],
    maxModelLen: number('max-model-len', SIM_DEFAULTS.maxModelLen),
    kvEvents: values['kv-events'] ?? null,
    kvReplay: values['kv-replay'] ?? null,
    topic: values.topic ?? '',
    eventSchema: oneOf('event-schema', values['event-schema'], ['map', 'array', ...EVENT_SCHEMAS]),
    hashesAsBytes: values['raw-hashes'] ?? false,
    bufferSteps: number('buffer-steps', SIM_DEFAULTS.bufferSteps),
    dataParallelSize: number('data-parallel-size', 1, { min: 1, max: 1024 }),
    dataParallelRank: number('data-parallel-rank', 0, { min: 0, max: 1023 }),
    blockSizeTokens: number('block-size', SIM_DEFAULTS.blockSizeTokens),
    hashAlgorithm: oneOf(
      'hash-algo',
      values['hash-algo'] ?? SIM_DEFAULTS.hashAlgorithm,
      HASH_ALGORITHMS,
    ),
    hashSeed: values['hash-seed'] ?? null,
    extraKeyProfile: oneOf('hash-profile', values['hash-profile'], EXTRA_KEY_PROFILES),
    kvTokens: count('kv-tokens'),
    timing: oneOf('timing', values.timing ?? SIM_DEFAULTS.timing, TIMING_NAMES),
    speedup: number('speedup', 1, { min: Number.MIN_VALUE, max: 1e6, fractions: true }),
    maxNumSeqs: count('max-num-seqs'),
    maxNumBatchedTokens: count('max-num-batched-tokens'),
    apiKey: values['api-key'] ?? null,
    devRoutes: values['dev-routes'] ?? false,
    metricNames: oneOf('metric-names', values['metric-names'], ['current', 'old', 'both']),
  };
}

interface Range {
  readonly min: number;
  readonly max: number;
  readonly fractions?: boolean;
}

const COUNT: Range = { min: 1, max: 2 ** 31 };

function numberOf<Fallback extends number | null>(
  flag: string,
  text: unknown,
  fallback: Fallback,
  { min, max, fractions = false }: Range,
): number | Fallback {
  if (text === undefined) return fallback;
  const value = text === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max && (fractions || Number.isInteger(value))) return value;
  const kind = fractions ? 'a number' : 'a whole number';
  throw new ConfigError(`sim: --${flag} must be ${kind} from ${min} to ${max}, not "${text}"`);
}

/** The first is the default. */
function oneOf<Name extends string>(
  flag: string,
  text: string | undefined,
  names: readonly [Name, ...Name[]] | readonly Name[],
): Name {
  const name = text === undefined ? names[0] : names.find((known) => known === text);
  if (name !== undefined) return name;
  throw new ConfigError(`sim: --${flag} must be one of ${names.join(', ')}, not "${text}"`);
}
