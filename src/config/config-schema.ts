// Every configuration key, once: name, type, unit, range, default and what it is for.
import type { HashAlgorithm } from '../native.js';
import { ACCESS, certificate, ENGINE_TLS } from './access-schema.js';
import { bindAddress, engineUrl } from './addresses.js';
import { ENDPOINTS } from './endpoint-schema.js';
import {
  anything,
  auto,
  choice,
  decimal,
  digits,
  flag,
  type Infer,
  integer,
  list,
  optional,
  table,
  text,
} from './field.js';
import { LOG, TRACING } from './observation-schema.js';
import { bytes } from './quantity.js';

/** Keys rather than a list, so that a new algorithm cannot be forgotten here. The addon's own list
 * would load the addon for `--help`. */
const ALGORITHMS: Record<HashAlgorithm, true> = {
  sha256_cbor: true,
  sha256: true,
  xxhash_cbor: true,
  xxhash: true,
  sha256_cbor_64bit: true,
};
function isAlgorithm(name: string): name is HashAlgorithm {
  return Object.hasOwn(ALGORITHMS, name);
}
export const HASH_ALGORITHM_NAMES: readonly HashAlgorithm[] =
  Object.keys(ALGORITHMS).filter(isAlgorithm);

const DAY_MS = 86_400_000;

const port = (doc: string, fallback: number) => integer({ doc, fallback, min: 0, max: 65535 });
const ms = (doc: string, fallback: number, min = 1) =>
  integer({ doc, fallback, unit: 'ms', min, max: DAY_MS });
const size = (doc: string, fallback: number, fallbackText: string, max: number) =>
  bytes({ doc, fallback, fallbackText, min: 1024, max });

const listen = table(
  {
    host: text({ doc: 'Address of the API port.', fallback: '0.0.0.0' }),
    port: port('API port; 0: any free one.', 8080),
    adminHost: text({
      doc: 'Address of the admin port; 0.0.0.0 opens it to other machines.',
      fallback: '127.0.0.1',
    }),
    adminPort: port('Port of dashboard, metrics and health; 0: any free one.', 9090),
    tls: optional(certificate('Certificate of the API port.'), 'plain HTTP'),
    adminTls: optional(certificate('Certificate of the admin port.'), 'plain HTTP'),
  },
  'Where the router listens.',
);

const model = table(
  {
    name: text({ doc: 'Name clients use; the base model of the engines.' }),
    aliases: list(text({ doc: 'Another name.' }), { doc: 'Further names.', max: 64 }),
    tokenizer: text({
      doc: 'Folder with tokenizer.json and tokenizer_config.json, hf://org/repo@revision (fetched; HF_TOKEN, HF_ENDPOINT, HF_HOME), or engine (the engines are asked for the tokens of each prompt).',
    }),
    renderMedia: flag({
      doc: 'Ask an engine for the tokens of prompts with images, audio or video, so that they match past the first one.',
      fallback: false,
    }),
    blockSize: auto(
      integer({ doc: "The engines' block size.", unit: 'tokens', min: 1, max: 65536 }),
      'as the engine says',
    ),
    hashAlgorithm: auto(
      choice(HASH_ALGORITHM_NAMES, { doc: "The engines' --prefix-caching-hash-algo." }),
      'as the engine says',
    ),
    hashSeed: optional(digits({ doc: "The engines' PYTHONHASHSEED." }), "vLLM's own default"),
    maxModelLen: auto(
      integer({ doc: 'Longest prompt and answer.', unit: 'tokens', min: 1, max: 2 ** 31 - 1 }),
      'as the engine says',
    ),
    chatTemplate: optional(
      text({ doc: 'Jinja file, or the template itself; the --chat-template of the engines.' }),
      "the tokenizer's",
    ),
    chatTemplateContentFormat: choice(['auto', 'string', 'openai'], {
      doc: 'The --chat-template-content-format of the engines.',
      fallback: 'auto',
    }),
    trustRequestChatTemplate: flag({
      doc: 'The engines run with --trust-request-chat-template.',
      fallback: false,
    }),
    apiKey: optional(
      text({ doc: "The engines' --api-key: for the questions that the router itself asks them." }),
    ),
    apiKeyFile: optional(text({ doc: 'File with that key.' })),
    replaceAuthorization: auto(
      flag({
        doc: 'Requests of clients carry that key too, in place of their own Authorization.',
      }),
      'true where clients have shown a key of access.keysFile',
    ),
    endpoints: ENDPOINTS,
  },
  'One model and the endpoints that serve it.',
);

const limits = table(
  {
    bodyBytes: size('Largest request body.', 32 * 2 ** 20, '32MiB', 2 ** 30),
    messages: integer({
      doc: 'Most messages of a chat; longer ones get 400.',
      fallback: 20_000,
      min: 1,
      max: 1e6,
    }),
    promptTokens: integer({
      doc: 'Longest prompt; longer ones get 400.',
      unit: 'tokens',
      fallback: 4_194_304,
      min: 1,
      max: 2 ** 31 - 1,
    }),
    inflightRequests: integer({
      doc: 'Requests of one model at its engines at once; more wait.',
      fallback: 16_384,
      min: 1,
      max: 1e6,
    }),
    waitingRequests: integer({
      doc: 'Requests of one model that wait for a place at its engines; more get 429.',
      fallback: 1024,
      min: 0,
      max: 1e6,
    }),
    queuedRequests: integer({
      doc: 'Requests that wait for a tokenizer thread; more get 429.',
      fallback: 1024,
      min: 0,
      max: 1e6,
    }),
    attempts: integer({
      doc: 'Engines that one request may lose before its first byte; where engines die without it as well, up to four times as many.',
      fallback: 3,
      min: 1,
      max: 8,
    }),
    eventFrameBytes: size('Largest event message.', 64 * 2 ** 20, '64MiB', 2 ** 31),
    decisionsKept: integer({
      doc: 'Last decisions that the admin port shows.',
      fallback: 256,
      min: 0,
      max: 10_000,
    }),
  },
  'Bounds; each protects the router from one kind of overload.',
);

const timeouts = table(
  {
    connectMs: ms('To connect to an engine.', 5000),
    firstByteMs: ms('To the first byte of an answer; long prompts wait in queues.', 600_000),
    idleMs: ms('Between two parts of an answer.', 300_000),
    keepAliveMs: ms(
      'Between SSE comments to a client whose stream has not begun; its status is then 200 whatever comes, a refusal becomes an error event. 0: none.',
      0,
      0,
    ),
    matchMs: ms('To tokenize and match; later requests go out unmatched.', 2000),
    queueMs: ms('For a place at the engines; then 429.', 30_000, 0),
    drainMs: ms('For requests in flight when the router stops.', 30_000, 0),
  },
  'How long things may take.',
);

const index = table(
  {
    maxBytes: auto(
      size('Memory of the prefix index.', 0, '', 2 ** 46),
      'the EndpointPickerConfig, else 1GiB',
    ),
    predictedTtlMs: auto(
      ms(
        'How long a predicted block outlives the first token of its request; 0: none is predicted.',
        1000,
        0,
      ),
      'the EndpointPickerConfig, else 1000',
    ),
    tierWeights: auto(
      table(
        {
          gpu: decimal({ doc: 'Block in GPU memory.', fallback: 1, min: 0, max: 1 }),
          cpu: decimal({ doc: 'Block in CPU memory.', fallback: 0.8, min: 0, max: 1 }),
          storage: decimal({ doc: 'Block in storage.', fallback: 0.25, min: 0, max: 1 }),
        },
        'Worth of a block by the tier it lies in.',
      ),
      'the EndpointPickerConfig, else 1, 0.8, 0.25',
    ),
  },
  'The prefix index.',
);

const monitor = table(
  {
    metricsIntervalMs: ms("Between two looks at an engine's /metrics.", 500, 50),
    healthIntervalMs: ms("Between two looks at an engine's /health.", 2000, 50),
    modelsIntervalMs: ms("Between two looks at an engine's /v1/models.", 10_000, 50),
    timeoutMs: ms('For each look.', 5000),
    tokenParityRate: decimal({
      doc: "Share of requests whose tokens are compared with the engine's, after the answer.",
      fallback: 0.001,
      min: 0,
      max: 1,
    }),
    failuresToUnhealthy: integer({
      doc: 'Failures in a row that take an endpoint out.',
      fallback: 3,
      min: 1,
      max: 100,
    }),
    successesToHealthy: integer({
      doc: 'Successes in a row that bring it back.',
      fallback: 2,
      min: 1,
      max: 100,
    }),
  },
  'How engines are watched.',
);

export const CONFIG = table(
  {
    listen,
    models: list(model, { doc: 'Models.', min: 1, max: 256 }),
    kvEvents: table(
      {
        bind: optional(bindAddress('Address that engines connect to (central mode).')),
        topicPrefix: auto(
          text({ doc: 'Prefix of the topics to take.' }),
          'the EndpointPickerConfig, else kv@',
        ),
      },
      'KV cache events.',
    ),
    scheduling: anything('An EndpointPickerConfig, or { configFile: FILE }.'),
    limits,
    timeouts,
    index,
    monitor,
    tokenizer: table(
      {
        threads: auto(
          integer({
            doc: 'Tokenizer threads. With two or more, some get no long prompts.',
            min: 1,
            max: 256,
          }),
          'one for every two cores, at least two',
        ),
      },
      'Tokenizing and matching.',
    ),
    tls: ENGINE_TLS,
    access: ACCESS,
    peers: list(
      engineUrl('Admin port of another router, or of all under a name, as http://warmpath:9090.'),
      { doc: 'Other routers of the same engines: where to take the index over from.', max: 64 },
    ),
    peerLoadMs: ms("Between two looks at the peers' load; 0: never.", 200, 0),
    stateDir: optional(
      text({ doc: 'Folder where the index is kept while the router is stopped.' }),
      'none: it is not kept',
    ),
    devRoutes: flag({
      doc: "Pass vLLM's development calls (reset, sleep, weight updates) on to every engine concerned.",
      fallback: false,
    }),
    decisionHeaders: flag({ doc: 'Add the x-warmpath-* headers to answers.', fallback: true }),
    tracing: TRACING,
    log: LOG,
  },
  'Configuration of the router.',
);

export type ConfigFile = Infer<typeof CONFIG>;
export type ModelFile = ConfigFile['models'][number];
