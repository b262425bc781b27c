// SdkStage: routers and engines that the facts about SDKs are tried on.
import type { TestContext } from 'node:test';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import {
  type RecordedAnswer,
  type RecordingEngine,
  recordingEngine,
} from '../support/recording-engine.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSim, startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

export interface SdkStage {
  /** Base URL of a router in front of `engines`. */
  readonly url: string;
  readonly engines: readonly [SimEngine, SimEngine];
  /** By the name that the router gives it. */
  engine(name: string | null): SimEngine;
  readonly busy: () => number;
  /** Base URL of a router in front of an engine that wants the key `KEY`. */
  readonly guardedUrl: string;
  /** Base URL of a router in front of `recorder`. */
  readonly recordedUrl: string;
  readonly recorder: RecordingEngine;
}

export const KEY = 'sk-engine';

/** Tokens take 12 ms each, so that an answer can be left in the middle. */
const TIMING = 'llm-d-8b-h100';

export async function sdkStage(context: TestContext): Promise<SdkStage> {
  const encoder = await loadPromptEncoder(shippedTokenizer());
  const shared = { model: TEST_MODEL, encoder, timing: TIMING };
  const [a, b] = await startSims(context, 2, shared);
  if (a === undefined || b === undefined) throw new Error('no engines');
  const guarded = await startSim(context, { model: TEST_MODEL, apiKey: KEY });
  const recorder = await recordingEngine(context, ({ target, body }) => answer(target, body));
  const ofEngine = { model: { ...QUICK_TOKENIZER.model, apiKey: KEY } };
  const router = await startRouter(context, [a, b]);
  const { available } = router.assembly.fleet;
  await waitFor('both engines', () => available.call(router.assembly.fleet, null).length === 2);
  return {
    url: `${router.url}/v1`,
    engines: [a, b],
    engine: (name) => (name === 'b' ? b : a),
    busy: () => a.stats.runningRequests + b.stats.runningRequests,
    guardedUrl: `${(await startRouter(context, [guarded], {}, ofEngine)).url}/v1`,
    recordedUrl: `${(await startRouter(context, [recorder], {}, QUICK_TOKENIZER)).url}/v1`,
    recorder,
  };
}

/** What the simulated engine has not: tool calls and embeddings. */
function answer(target: string, body: string): RecordedAnswer {
  const request = JSON.parse(body);
  if (body.includes(REFUSAL)) return refusal();
  if (target === '/v1/embeddings') return embeddings(request);
  return request.stream === true ? streamedToolCall() : toolCall();
}

/** A prompt that the recorder refuses, and what it says. */
export const REFUSAL = 'this is asking too much';

function refusal(): RecordedAnswer {
  const error = { message: REFUSAL, type: 'BadRequestError', param: null, code: 400 };
  return { status: 400, body: JSON.stringify({ error }) };
}

export const VECTOR = [0.25, -1, 8.5];

function embeddings(request: { input: string | string[]; encoding_format?: string }) {
  const inputs = [request.input].flat();
  const isBinary = request.encoding_format === 'base64';
  const bytes = Buffer.from(Float32Array.from(VECTOR).buffer);
  const embedding = isBinary ? bytes.toString('base64') : VECTOR;
  const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding }));
  const usage = { prompt_tokens: inputs.length, total_tokens: inputs.length };
  return { body: JSON.stringify({ object: 'list', model: TEST_MODEL, data, usage }) };
}

export const TOOL_INPUT = { city: 'Zürich', days: 3 };

const HEAD = { id: 'chatcmpl-1', created: 1, model: TEST_MODEL };
const CALL = { id: 'call-1', type: 'function' };
const ARGUMENTS = JSON.stringify(TOOL_INPUT);

function toolCall(): RecordedAnswer {
  const tool_calls = [{ ...CALL, function: { name: 'weather', arguments: ARGUMENTS } }];
  const message = { role: 'assistant', content: null, tool_calls };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'tool_calls' }];
  const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };
  return { body: JSON.stringify({ ...HEAD, object: 'chat.completion', choices, usage }) };
}

/** The arguments come in pieces that are no JSON by themselves. */
function streamedToolCall(): RecordedAnswer {
  const middle = ARGUMENTS.length >> 1;
  const deltas = [
    { role: 'assistant', content: '' },
    { tool_calls: [{ index: 0, ...CALL, function: { name: 'weather', arguments: '' } }] },
    { tool_calls: [{ index: 0, function: { arguments: ARGUMENTS.slice(0, middle) } }] },
    { tool_calls: [{ index: 0, function: { arguments: ARGUMENTS.slice(middle) } }] },
  ];
  const choices = [
    ...deltas.map((delta) => ({ index: 0, delta, finish_reason: null })),
    { index: 0, delta: {}, finish_reason: 'tool_calls' },
  ];
  const events = choices.map((choice) =>
    JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', choices: [choice] }),
  );
  return {
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
    body: [...events, '[DONE]'].map((data) => `data: ${data}\n\n`).join(''),
  };
}
