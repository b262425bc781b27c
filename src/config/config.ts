// The router's configuration: one YAML file. Every key has its name, default, unit and range here, and
// nowhere else; the reference in the README is printed from this table.
import { HASH_ALGORITHMS } from '../native.js';
import { readEppConfig } from './epp-config.js';
import {
  anything,
  auto,
  choice,
  digits,
  flag,
  type Infer,
  integer,
  list,
  optional,
  Place,
  table,
  text,
} from './field.js';
import { bytes } from './quantity.js';
import { DEFAULT_PLAN, type SchedulingPlan } from './scheduling-plan.js';
import { parseYaml } from './yaml-document.js';

const MIB = 1024 * 1024;
const ENDPOINTS_MAX = 4096;
const ms = (doc: string, fallback: number, min: number, max: number) =>
  integer({ doc, fallback, min, max, unit: 'ms' });
const url = (doc: string) =>
  text({ doc, pattern: /^https?:\/\/[^/?#]+$/, form: 'a base URL such as http://10.0.0.1:8000' });
const zmq = (doc: string) =>
  text({
    doc,
    pattern: /^(tcp|ipc|inproc):\/\/\S+$/,
    form: 'an address such as tcp://10.0.0.1:5557',
  });

const ENDPOINT = table(
  {
    name: text({ doc: 'Unique name, shown in headers, metrics and logs.' }),
    url: url('Base URL of the engine.'),
    kvEvents: optional(zmq("The engine's KV event publisher, to connect to.")),
    kvReplay: optional(zmq("The engine's replay socket: repairs gaps, teaches a new router.")),
    dataParallelRank: optional(
      integer({ doc: 'Rank that requests are pinned to.', min: 0, max: 65_535 }),
    ),
  },
  'One engine, or one data-parallel rank of it.',
);

const MODEL = table(
  {
    name: text({ doc: 'Name that clients use.' }),
    aliases: list(text({ doc: 'Another name.' }), { doc: 'Other names for it.', max: 64 }),
    tokenizer: text({ doc: 'Folder with tokenizer.json and tokenizer_config.json.' }),
    blockSize: auto(
      integer({ doc: "The engines' KV block size.", min: 1, max: 65_536, unit: 'tokens' }),
      'what the engines report',
    ),
    hashAlgorithm: auto(
      choice(HASH_ALGORITHMS, { doc: "The engines' --prefix-caching-hash-algo." }),
      'proven from events',
    ),
    hashSeed: optional(digits({ doc: "The engines' PYTHONHASHSEED." }), "vLLM's own default"),
    maxModelLen: optional(
      integer({ doc: 'Longest prompt.', min: 1, max: 1e9, unit: 'tokens' }),
      'what the engines report',
    ),
    endpoints: table(
      { static: list(ENDPOINT, { doc: 'Engines by address.', max: ENDPOINTS_MAX }) },
      'Where the engines are.',
    ),
  },
  'One model.',
);

export const CONFIG_FIELDS = {
  listen: table(
    {
      host: text({ doc: 'Address to listen on.', fallback: '0.0.0.0' }),
      port: integer({ doc: 'API port; 0: any free one.', fallback: 8080, min: 0, max: 65_535 }),
      adminPort: integer({
        doc: 'Port of dashboard, metrics and health; 0: any free one.',
        fallback: 9090,
        min: 0,
        max: 65_535,
      }),
    },
    'Where the router listens.',
  ),
  models: list(MODEL, { doc: 'Models and their engines.', min: 1, max: 64 }),
  kvEvents: table(
    {
      bind: optional(zmq('Address to bind, so that engines connect to the router.')),
      topicPrefix: text({ doc: 'Topics that are KV events.', fallback: 'kv@' }),
    },
    'KV events of engines that connect to us.',
  ),
  scheduling: anything('An EndpointPickerConfig, or { configFile: FILE }.'),
  limits: table(
    {
      bodyBytes: bytes({
        doc: 'Largest request body.',
        fallback: 32 * MIB,
        fallbackText: '32MiB',
        min: 1024,
        max: 1024 * MIB,
      }),
      queue: integer({
        doc: 'Requests that may wait for a tokenizer thread; more get 429.',
        fallback: 1024,
        min: 1,
        max: 1e6,
      }),
      retries: integer({ doc: 'Endpoints tried after the first.', fallback: 2, min: 0, max: 16 }),
    },
    'What is refused instead of growing without bound.',
  ),
  timeouts: table(
    {
      connectMs: ms('To connect to an engine.', 2000, 0, 600_000),
      firstByteMs: ms("To an answer's first byte; 0: no limit.", 600_000, 0, 86_400_000),
      idleMs: ms('Between two chunks of an answer; 0: no limit.', 300_000, 0, 86_400_000),
      decisionMs: ms('To match a prompt; then load alone decides.', 5000, 10, 600_000),
      drainMs: ms('For requests in flight when the router stops.', 30_000, 0, 3_600_000),
    },
    'Deadlines.',
  ),
  index: table(
    {
      maxBytes: bytes({
        doc: 'Memory of the prefix index.',
        fallback: 1024 * MIB,
        fallbackText: '1GiB',
        min: 16 * MIB,
        max: 1024 * 1024 * MIB,
      }),
    },
    'The prefix index.',
  ),
  tokenizer: table(
    { threads: integer({ doc: 'Threads that match prompts.', fallback: 2, min: 1, max: 64 }) },
    'The thread pool.',
  ),
  metrics: table(
    { pollMs: ms("Between two looks at an engine's metrics.", 500, 50, 60_000) },
    'Engine metrics.',
  ),
  headers: flag({ doc: 'Whether answers carry x-warmpath-* headers.', fallback: true }),
  logLevel: choice(['debug', 'info', 'warn', 'error'], {
    doc: 'Least severe line.',
    fallback: 'info',
  }),
} as const;

const CONFIG = table(CONFIG_FIELDS, "The router's configuration.");

export type Config = Omit<Infer<typeof CONFIG>, 'scheduling'> & {
  readonly scheduling: SchedulingPlan;
  /** What is odd but not wrong, for people. */
  readonly warnings: readonly string[];
};

/** `load` reads a file named by the configuration. Throws ConfigError naming source, line and key. */
export function parseConfig(
  content: string,
  source: string,
  load: (file: string) => string,
): Config {
  const document = parseYaml(content, source);
  const place = new Place(document);
  const read = CONFIG.read(document.value ?? {}, place);
  checkUnique(read.models, place);
  return {
    ...read,
    scheduling: readScheduling(read.scheduling, place.child('scheduling'), load),
    warnings: place.warnings,
  };
}

function readScheduling(
  value: unknown,
  place: Place,
  load: (file: string) => string,
): SchedulingPlan {
  if (value === undefined || value === null) return DEFAULT_PLAN;
  if (typeof value === 'object' && 'configFile' in value) {
    const { configFile } = table(
      { configFile: text({ doc: 'File with an EndpointPickerConfig.' }) },
      'A file.',
    ).read(value, place);
    const document = parseYaml(load(configFile), configFile);
    return readEppConfig(document.value, new Place(document));
  }
  return readEppConfig(value, place);
}

function checkUnique(models: readonly Infer<typeof MODEL>[], place: Place): void {
  const names = new Set<string>();
  const endpoints = new Set<string>();
  models.forEach((model, i) => {
    const at = place.child('models').child(i);
    for (const name of [model.name, ...model.aliases]) {
      if (names.has(name)) at.child('name').fail(`${JSON.stringify(name)} names two models`);
      names.add(name);
    }
    model.endpoints.static.forEach(({ name, url: address, dataParallelRank }, j) => {
      const endpoint = at.child('endpoints').child('static').child(j);
      if (endpoints.has(name)) endpoint.child('name').fail(`${JSON.stringify(name)} is used twice`);
      endpoints.add(name);
      const target = `${address} rank ${dataParallelRank}`;
      if (endpoints.has(target)) endpoint.child('url').fail(`${address} is listed twice`);
      endpoints.add(target);
    });
  });
}
