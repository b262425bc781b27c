// Sends an engine a prompt that nobody has sent before, so that it has something to announce.
import type { ModelConfig } from '../config/config.js';
import type { HeaderList } from '../http/exchange.js';
import type { Forwarder } from '../proxy/forwarder.js';
import type { CollectedAnswer } from '../router/collected-answer.js';
import { askEngine, type EngineReply } from '../router/engine-question.js';
import type { LiveEndpoint } from '../router/live-endpoint.js';
import type { HttpFacts, ProbeFacts } from './survey.js';

const DEFAULT_BLOCK_TOKENS = 16;
/** A larger prompt is no small thing to compute: then one block has to do. */
const SMALL_TOKENS = 4096;
const PROBE_TOKENS_MAX = 20_000;
/** Ids that every tokenizer of today has, and that are plain words in most. */
const FIRST_ID = 1000;
const ID_COUNT = 20_000;

export async function askHealth(
  forwarder: Forwarder,
  { endpoint }: LiveEndpoint,
  model: ModelConfig,
  timeoutMs: number,
): Promise<HttpFacts> {
  const question = { method: 'GET', path: '/health', query: '', headers: authorization(model) };
  const reply = await ask(forwarder, endpoint.url, { ...question, body: null }, timeoutMs);
  if (reply.failure !== null) return { status: null, failure: reply.failure.message };
  if (reply.status === 0) return { status: null, failure: `no answer in ${timeoutMs} ms` };
  return { status: reply.status, failure: null };
}

/** null: the engine's blocks are too large for a small prompt. */
export function probePrompt({ metrics }: LiveEndpoint): Uint32Array | null {
  const blockTokens = metrics?.blockSizeTokens ?? DEFAULT_BLOCK_TOKENS;
  const blocks = 2 * blockTokens <= SMALL_TOKENS ? 2 : 1;
  const tokens = blocks * blockTokens + 1;
  if (tokens > PROBE_TOKENS_MAX) return null;
  return Uint32Array.from(
    { length: tokens },
    () => FIRST_ID + Math.floor(Math.random() * ID_COUNT),
  );
}

export async function sendProbe(
  forwarder: Forwarder,
  live: LiveEndpoint,
  model: ModelConfig,
  prompt: Uint32Array,
  timeoutMs: number,
): Promise<ProbeFacts> {
  const body = Buffer.from(
    JSON.stringify({ model: model.name, prompt: [...prompt], max_tokens: 1 }),
  );
  const headers: HeaderList = [
    ['content-type', 'application/json'],
    ...authorization(model),
    ...live.requestHeaders,
  ];
  const question = { method: 'POST', path: '/v1/completions', query: '', headers, body };
  const reply = await ask(forwarder, live.endpoint.url, question, timeoutMs);
  return {
    status: reply.failure === null ? reply.status : 0,
    message: reply.failure?.message ?? (reply.status === 200 ? '' : messageOf(reply.answer)),
    tokens: prompt,
    reportsCachedTokens: /"cached_tokens"\s*:\s*\d/.test(reply.answer.text),
  };
}

export function authorization({ apiKey }: ModelConfig): HeaderList {
  return apiKey === null ? [] : [['authorization', `Bearer ${apiKey}`]];
}

async function ask(
  forwarder: Forwarder,
  url: string,
  question: Parameters<typeof askEngine>[2],
  timeoutMs: number,
): Promise<EngineReply> {
  const deadline = AbortSignal.timeout(timeoutMs);
  return askEngine(forwarder, url, question, (answer) => {
    deadline.addEventListener('abort', () => answer.abort());
  });
}

const MESSAGE_CHARACTERS = 200;

function messageOf(answer: CollectedAnswer): string {
  return answer.text.replace(/\s+/g, ' ').slice(0, MESSAGE_CHARACTERS);
}
