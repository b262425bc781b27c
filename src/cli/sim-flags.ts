// The flags that only `warmpath sim` has: formats, limits and access of the simulated engine.
import { choice, flag, integer, optional, text } from '../config/field.js';
import { EXTRA_KEY_PROFILES } from '../prefix/hash-settings.js';
import { EVENT_SCHEMAS } from '../sim/event-encoder.js';
import { SIM_DEFAULTS } from '../sim/sim-options.js';

const MAX_COUNT = 2 ** 31;
const MAX_RANKS = 1024;

const count = (doc: string, fallback: number) => integer({ doc, fallback, min: 1, max: MAX_COUNT });
const optionalCount = (doc: string) =>
  optional(integer({ doc, min: 1, max: MAX_COUNT }), 'the timing model');

export const simFlags = {
  host: text({ doc: 'Address to listen on.', fallback: '0.0.0.0' }),
  port: integer({ doc: 'HTTP port; 0: any free one.', fallback: 8000, min: 0, max: 65_535 }),
  lora: optional(text({ doc: 'LoRA adapters, with commas between them.' })),
  'max-model-len': count('Longest prompt and answer, in tokens.', SIM_DEFAULTS.maxModelLen),
  'kv-events': optional(text({ doc: 'Address to publish KV cache events on, tcp://*:5557.' })),
  'kv-replay': optional(text({ doc: 'Address to answer replay requests on.' })),
  topic: optional(text({ doc: 'Topic of its events.' }), 'an empty one'),
  'event-schema': choice(['map', 'array', ...EVENT_SCHEMAS], {
    doc: 'Form of the events, or the generation of vLLM.',
    fallback: 'map',
  }),
  'raw-hashes': flag({ doc: 'Events carry digests, not 64-bit integers.', fallback: false }),
  'buffer-steps': count('Batches kept for replay.', SIM_DEFAULTS.bufferSteps),
  'data-parallel-size': integer({
    doc: 'Ranks behind this server, on consecutive event ports.',
    fallback: 1,
    min: 1,
    max: MAX_RANKS,
  }),
  'data-parallel-rank': integer({
    doc: 'Number of the first rank.',
    fallback: 0,
    min: 0,
    max: MAX_RANKS - 1,
  }),
  // vLLM hashes any text; only Python itself wants digits.
  'hash-seed': optional(text({ doc: 'PYTHONHASHSEED of the engine.' }), "vLLM's default"),
  'hash-profile': choice(EXTRA_KEY_PROFILES, {
    doc: 'Generation of the keys that go into block hashes.',
    fallback: SIM_DEFAULTS.extraKeyProfile,
  }),
  'max-num-seqs': optionalCount('Requests in one step.'),
  'max-num-batched-tokens': optionalCount('Tokens in one step.'),
  'api-key': optional(text({ doc: 'Key that guards /v1, as in vLLM.' })),
  'dev-routes': flag({ doc: 'Reset, sleep and wake over HTTP.', fallback: false }),
  'metric-names': choice(['current', 'old', 'both'], {
    doc: 'Names on /metrics: of today, of vLLM before 0.9.2, or both.',
    fallback: 'current',
  }),
} as const;
