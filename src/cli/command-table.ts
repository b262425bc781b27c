// Every command of `warmpath`, its flags and what they are for. Each flag is also an environment
// variable: --admin-port is WARMPATH_ADMIN_PORT.
import { HASH_ALGORITHM_NAMES } from '../config/config-schema.js';
import {
  choice,
  decimal,
  digits,
  type Fields,
  flag,
  integer,
  optional,
  text,
} from '../config/field.js';
import { simFlags } from './sim-flags.js';

export interface Command {
  readonly summary: string;
  /** Words that must follow the command; null: none may. */
  readonly operand: readonly string[] | null;
  readonly flags: Fields;
  /** Input by operand, as the help shows it. */
  readonly examples?: Readonly<Record<string, string>>;
}

const port = (doc: string, fallback: number) => integer({ doc, fallback, min: 0, max: 65535 });
const logLevel = choice(['debug', 'info', 'warn', 'error'], { doc: 'Least level that is logged.' });
const config = text({ doc: 'Configuration file.' });
const timing = optional(text({ doc: 'Model and GPU whose speed it has.' }), 'qwen2.5-7b-h100');
const speedup = decimal({
  doc: 'Engine time runs faster by this.',
  fallback: 1,
  min: 0.01,
  max: 1e6,
});

const router = {
  config,
  host: optional(text({ doc: 'Address of the API port.' }), 'the file'),
  port: optional(integer({ doc: 'API port; 0: any free one.', min: 0, max: 65535 }), 'the file'),
  'admin-port': optional(integer({ doc: 'Admin port.', min: 0, max: 65535 }), 'the file'),
  'admin-host': optional(
    text({ doc: 'Address of the admin port; 0.0.0.0 opens it to other machines.' }),
    'the file',
  ),
  'api-key': optional(
    text({ doc: 'Keys that clients need, with commas between them; better as a variable.' }),
    'the file',
  ),
  'admin-key': optional(text({ doc: 'Key of the admin port; better as a variable.' }), 'the file'),
  'config-file': optional(text({ doc: 'EndpointPickerConfig as a file.' }), 'the file'),
  'config-text': optional(text({ doc: 'EndpointPickerConfig as text.' }), 'the file'),
  'log-level': optional(logLevel, 'the file'),
  'state-dir': optional(
    text({ doc: 'Folder where the index is kept while the router is stopped.' }),
    'the file',
  ),
} as const;

const engine = {
  model: text({ doc: 'Name of the model.', fallback: 'Qwen/Qwen3-0.6B' }),
  tokenizer: optional(text({ doc: 'Folder of its tokenizer.' }), 'a built-in one'),
  'block-size': integer({ doc: 'Tokens in a block.', fallback: 16, min: 1, max: 65536 }),
  'hash-algo': choice(HASH_ALGORITHM_NAMES, { doc: 'Block hash.', fallback: 'sha256_cbor' }),
  'hash-seed': optional(digits({ doc: 'PYTHONHASHSEED of the engine.' }), "vLLM's default"),
  'kv-tokens': optional(
    integer({ doc: 'Tokens the KV cache holds.', min: 1, max: 1e12 }),
    'the timing model',
  ),
  timing,
  speedup,
} as const;

export const COMMANDS = {
  serve: { summary: 'The router.', operand: null, flags: router },
  demo: {
    summary: 'Router and simulated engines in one process.',
    operand: null,
    flags: {
      engines: integer({ doc: 'Simulated engines.', fallback: 3, min: 1, max: 64 }),
      port: port('API port.', 8080),
      'admin-port': port('Admin port and dashboard.', 9090),
      traffic: choice(['on', 'off'], { doc: 'Made-up chats from the start.', fallback: 'on' }),
      ...engine,
      'log-level': optional(logLevel, 'info'),
    },
  },
  sim: {
    summary: 'One simulated vLLM engine.',
    operand: null,
    flags: {
      ...engine,
      ...simFlags,
      'log-level': optional(logLevel, 'info'),
    },
  },
  doctor: {
    summary: 'Checks a live fleet and names each misconfiguration with its cure.',
    operand: null,
    flags: {
      config,
      'config-file': router['config-file'],
      'config-text': router['config-text'],
      json: flag({ doc: 'Print one JSON object.', fallback: false }),
      'no-probe': flag({ doc: 'Send no request to the engines.', fallback: false }),
    },
  },
  explain: {
    summary: 'The decision for one request on standard input, without sending it.',
    operand: null,
    flags: {
      config,
      'config-file': router['config-file'],
      'config-text': router['config-text'],
      path: optional(
        text({ doc: 'Path of the request, such as /v1/messages.' }),
        'chat if it has messages, else completion',
      ),
      'show-prompt': flag({ doc: 'Show the rendered prompt and its tokens.', fallback: false }),
    },
  },
  inspect: {
    summary: 'Parity with an engine by hand: JSON lines in, JSON lines out.',
    operand: ['hash', 'event', 'tokens'],
    flags: {},
    examples: {
      hash: '{"algorithm":"sha256_cbor","block_size":4,"seed":"42","token_ids":[1,2,3,4]}',
      event: '{"hex":"92cb3ff00000000000009191b0416c6c426c6f636b73436c6561726564"}',
      tokens: '{"tokenizer":"/models/qwen2.5","messages":[{"role":"user","content":"hi"}]}',
    },
  },
  bench: {
    summary: 'The benchmarks.',
    operand: ['hash', 'index', 'events', 'tokenize', 'decide', 'proxy', 'fleet'],
    flags: {
      json: flag({ doc: 'Print one JSON object.', fallback: false }),
      trace: optional(text({ doc: 'fleet: trace to replay, or the folder with the known ones.' })),
      workload: optional(text({ doc: 'fleet: built-in workloads, with commas between them.' })),
      policy: optional(text({ doc: 'fleet: policies, with commas between them, or all.' }), 'all'),
      arm: text({
        doc: 'fleet: what happens meanwhile, with commas between them, or all.',
        fallback: 'none',
      }),
      load: text({ doc: "fleet: multiples of the workload's load, with commas.", fallback: '1' }),
      engines: optional(
        integer({ doc: 'fleet: number of engines.', min: 1, max: 1024 }),
        'the workload',
      ),
      'kv-tokens': engine['kv-tokens'],
      timing,
      'block-size': engine['block-size'],
      'generated-blocks': optional(
        choice(['cached', 'discarded'], { doc: 'fleet: what becomes of generated blocks.' }),
        'the workload',
      ),
      'time-scale': optional(
        decimal({ doc: 'fleet: recorded time runs faster by this.', min: 0.001, max: 1e6 }),
        'the workload',
      ),
      closed: flag({ doc: 'fleet: a session waits for its answer.', fallback: false }),
      'event-delay': decimal({
        doc: 'fleet: milliseconds until KV events are known.',
        fallback: 50,
        min: 0,
        max: 1e6,
      }),
      'scrape-interval': decimal({
        doc: 'fleet: milliseconds between two reads of metrics.',
        fallback: 1000,
        min: 1,
        max: 1e6,
      }),
      seed: integer({
        doc: 'fleet: seed of all randomness.',
        fallback: 1,
        min: 0,
        max: 2 ** 32 - 1,
      }),
      requests: optional(
        integer({ doc: 'fleet: only the first so many requests.', min: 1, max: 2 ** 31 }),
        'all',
      ),
      target: optional(
        text({ doc: 'fleet: measure this server, in real time, instead of simulated engines.' }),
      ),
      model: optional(text({ doc: 'fleet: model of the target.' }), 'the first it names'),
      'api-key': optional(text({ doc: 'fleet: key of the target; better as a variable.' })),
      vocabulary: integer({
        doc: 'fleet: token ids of prompts to the target lie below this.',
        fallback: 30_000,
        min: 2,
        max: 2 ** 21 - 1,
      }),
      report: optional(text({ doc: 'fleet: write an HTML report to this file.' })),
      from: optional(
        text({ doc: 'fleet: run nothing, take saved --json results, with commas between them.' }),
      ),
    },
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;
