// Faults that a fleet of one engine can have, each with the one check that must find it.
import assert from 'node:assert/strict';
import type { CheckName } from '../../src/doctor/finding.js';
import { freePort } from '../../src/sim/free-port.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { byteEncoder } from './byte-encoder.js';
import { CHAT_TEMPLATE, type Described } from './doctor-scene.js';

export interface Fault {
  readonly what: string;
  readonly sim?: Partial<SimOptions>;
  readonly change?: (sim: SimEngine) => Described | Promise<Described>;
  readonly break?: (sim: SimEngine) => void;
  readonly check: CheckName;
  readonly message: RegExp;
}

const faultsOf = (sim: SimEngine) => {
  assert.ok(sim.eventFaults !== null);
  return sim.eventFaults;
};

export const FAULTS: readonly Fault[] = [
  {
    what: 'events off',
    sim: { kvEvents: null },
    change: async () => ({
      endpoint: { kvEvents: `tcp://127.0.0.1:${await freePort('127.0.0.1')}` },
    }),
    check: 'events',
    message: /nothing listens at tcp:.*KV events are off/,
  },
  {
    what: 'no event address at all',
    sim: { kvEvents: null },
    check: 'events',
    message: /no event address is configured/,
  },
  {
    what: 'a publisher that publishes nothing',
    break: (sim) => Object.assign(faultsOf(sim), { silent: true, replaySilent: true }),
    check: 'events',
    message: /a new prompt caused no event/,
  },
  {
    what: 'a url that leads elsewhere',
    change: ({ url }) => ({ endpoint: { url: `${url}/elsewhere` } }),
    check: 'http',
    message: /health answers 404: this is no vLLM server/,
  },
  {
    what: 'event and replay address swapped',
    change: ({ kvEvents, kvReplay }) => ({ endpoint: { kvEvents: kvReplay, kvReplay: kvEvents } }),
    check: 'events',
    message: /is a ROUTER socket/,
  },
  {
    what: 'the HTTP port given as event address',
    change: ({ url }) => ({ endpoint: { kvEvents: url.replace('http', 'tcp') } }),
    check: 'events',
    message: /is no event publisher/,
  },
  {
    what: 'no replay address',
    change: () => ({ endpoint: { kvReplay: null } }),
    check: 'replay',
    message: /no replay address/,
  },
  {
    what: 'a replay socket that is not there',
    change: async () => ({
      endpoint: { kvReplay: `tcp://127.0.0.1:${await freePort('127.0.0.1')}` },
    }),
    check: 'replay',
    message: /nothing listens at/,
  },
  {
    what: 'a replay socket that does not answer',
    break: (sim) => Object.assign(faultsOf(sim), { replaySilent: true }),
    check: 'replay',
    message: /does not answer/,
  },
  {
    what: 'another algorithm',
    sim: { hashAlgorithm: 'xxhash_cbor' },
    change: () => ({ model: { hashAlgorithm: 'sha256' } }),
    check: 'algorithm',
    message: /hashes with xxhash_cbor, the configuration says sha256/,
  },
  {
    what: 'another seed, one that can be found',
    sim: { hashSeed: '0' },
    check: 'seed',
    message: /root is seed "0", the configuration says hashSeed "42"/,
  },
  {
    what: 'another seed, one that cannot be found',
    sim: { hashSeed: '987654321' },
    check: 'seed',
    message: /PYTHONHASHSEED is random or another one/,
  },
  {
    what: 'another block size',
    sim: { blockSizeTokens: 32 },
    change: () => ({ model: { blockSize: 16 } }),
    check: 'block-size',
    message: /blocks of 32 tokens, the configuration says 16/,
  },
  {
    what: 'another tokenizer',
    sim: { encoder: byteEncoder },
    check: 'tokenizer',
    message: /token 0 is \d+ for the engine and \d+ here/,
  },
  {
    what: 'another chat template',
    change: () => ({ model: { chatTemplate: `a b c ${CHAT_TEMPLATE}` } }),
    check: 'chat-template',
    message: /token \d+ is \d+ for the engine and \d+ here/,
  },
  {
    what: 'an engine that does not say its tokens, as tokenizer',
    change: () => ({ model: { tokenizer: 'engine' } }),
    break: ({ faults }) => {
      for (const path of ['/v1/completions/render', '/v1/chat/completions/render', '/tokenize']) {
        faults.paths.set(path, { status: 404, delayMs: 0 });
      }
    },
    check: 'tokenizer',
    message: /tokenizer: engine, but the engine does not say its tokens: \/tokenize answers 404/,
  },
  {
    what: 'prefix caching off',
    sim: { prefixCaching: false },
    check: 'prefix-caching',
    message: /is off/,
  },
  {
    what: "an engine's clock that is ahead",
    break: (sim) => Object.assign(faultsOf(sim), { clockOffsetMs: 60_000 }),
    check: 'clock',
    message: /60\.0 s ahead/,
  },
  {
    what: "an engine's clock that is behind",
    break: (sim) => Object.assign(faultsOf(sim), { clockOffsetMs: -5_000 }),
    check: 'clock',
    message: /5\.\d s behind/,
  },
  {
    what: 'an engine that is not there',
    change: async () => ({ endpoint: { url: `http://127.0.0.1:${await freePort('127.0.0.1')}` } }),
    check: 'http',
    message: /cannot be reached/,
  },
  {
    what: 'an engine that says it is not well',
    break: ({ faults }) => Object.assign(faults, { unhealthy: true }),
    check: 'http',
    message: /503/,
  },
  {
    what: "'@' in the model's name",
    sim: { model: 'org/model@v2' },
    change: () => ({ model: { name: 'org/model@v2' } }),
    check: 'model-name',
    message: /holds '@'/,
  },
  {
    what: 'a model that the engine serves under another name',
    change: () => ({ model: { name: 'org/other' } }),
    check: 'served-model',
    message: /serves org\/model, not org\/other/,
  },
  {
    what: 'an engine that fails requests',
    break: ({ faults }) => Object.assign(faults, { status: 500 }),
    check: 'probe',
    message: /refused with 500/,
  },
];
