// Which of the API port's requests the router treats in which way.
import type { RequestShape } from '../inference-request.js';
import { type ControlCall, controlCall } from './control-calls.js';

export type Route =
  /** Scheduled by prefix. */
  | { readonly kind: 'generation'; readonly shape: RequestShape }
  /** About a response that one engine holds in its memory. */
  | { readonly kind: 'response'; readonly id: string }
  | { readonly kind: 'models' }
  | { readonly kind: 'model'; readonly id: string }
  /** Adapters are loaded and unloaded on every endpoint of their model. */
  | { readonly kind: 'adapter'; readonly action: 'load' | 'unload' }
  /** Changes or asks the state of engines: passed to every one concerned. */
  | { readonly kind: 'control'; readonly call: ControlCall }
  | { readonly kind: 'health' }
  | { readonly kind: 'version' }
  | { readonly kind: 'metrics' }
  /** Forwarded to the least loaded endpoint. `repeatable`: sending it twice does no harm. */
  | { readonly kind: 'relay'; readonly repeatable: boolean }
  | { readonly kind: 'wrong-method'; readonly allowed: string };

const GENERATION: ReadonlyMap<string, RequestShape> = new Map([
  ['/v1/chat/completions', 'chat'],
  ['/v1/chat/completions/batch', 'chat-batch'],
  ['/v1/completions', 'completions'],
  ['/v1/responses', 'responses'],
  ['/v1/messages', 'messages'],
  ['/cohere/v2/chat', 'cohere-chat'],
  ['/inference/v1/generate', 'generate'],
  ['/generative_scoring', 'scoring'],
  ['/invocations', 'invocation'],
]);

/** Answered by the router itself. */
const OWN: ReadonlyMap<string, 'models' | 'health' | 'version' | 'metrics'> = new Map([
  ['/v1/models', 'models'],
  ['/health', 'health'],
  ['/ping', 'health'],
  ['/version', 'version'],
  ['/metrics', 'metrics'],
]);

const ADAPTERS: ReadonlyMap<string, 'load' | 'unload'> = new Map([
  ['/v1/load_lora_adapter', 'load'],
  ['/v1/unload_lora_adapter', 'unload'],
]);

/** POST routes that compute an answer and change nothing. */
const REPEATABLE: ReadonlySet<string> = new Set([
  '/v1/audio/transcriptions',
  '/v1/audio/translations',
  '/v1/embeddings',
  '/v2/embed',
  '/pooling',
  '/classify',
  '/score',
  '/v1/score',
  '/rerank',
  '/v1/rerank',
  '/v2/rerank',
  '/v1/chat/completions/render',
  '/v1/completions/render',
  '/v1/chat/completions/derender',
  '/v1/completions/derender',
  '/tokenize',
  '/detokenize',
  '/v1/messages/count_tokens',
]);

const MODELS = '/v1/models/';
const RESPONSES = '/v1/responses/';
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function routeOf(method: string, path: string, query: string): Route {
  const shape = GENERATION.get(path);
  if (shape !== undefined) return posted(method, { kind: 'generation', shape });
  const own = OWN.get(path);
  // /ping is posted by some platforms.
  if (own !== undefined && (isRead(method) || (method === 'POST' && own === 'health'))) {
    return { kind: own };
  }
  const action = ADAPTERS.get(path);
  if (action !== undefined) return posted(method, { kind: 'adapter', action });
  if (path.startsWith(MODELS) && isRead(method)) {
    return { kind: 'model', id: decoded(path.slice(MODELS.length)) };
  }
  if (path.startsWith(RESPONSES)) {
    const [id = ''] = path.slice(RESPONSES.length).split('/');
    return { kind: 'response', id: decoded(id) };
  }
  // By the last segment: an engine may serve these below a root path, and must not be reached so.
  const call = controlCall(`/${lastSegment(path)}`, query);
  if (call !== null) return { kind: 'control', call };
  return { kind: 'relay', repeatable: READING.has(method) || REPEATABLE.has(path) };
}

/** A browser's preflight is the engine's to answer: it knows the origins. */
function posted(method: string, route: Route): Route {
  if (method === 'POST') return route;
  if (method === 'OPTIONS') return { kind: 'relay', repeatable: true };
  return { kind: 'wrong-method', allowed: 'POST' };
}

/** Whether a path is one of vLLM's or ours, and so one of few. */
export function isKnownPath(path: string): boolean {
  return [GENERATION, OWN, ADAPTERS, REPEATABLE].some((paths) => paths.has(path));
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** As the engine will read it: escapes decoded; empty and dot segments, which proxies between us and
 * it may resolve, not counted. */
function lastSegment(path: string): string {
  const segments = decoded(path)
    .split('/')
    .filter((one) => one !== '' && one !== '.');
  return segments.at(-1) ?? '';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone % is itself.
    return text;
  }
}
