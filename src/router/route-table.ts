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
  /** Changes or asks the state of engines: for all that it concerns. */
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
]);

/** Answered by the router itself. */
const OWN: ReadonlyMap<string, 'models' | 'health' | 'version' | 'metrics'> = new Map([
  ['/v1/models', 'models'],
  ['/health', 'health'],
  ['/ping', 'health'],
  ['/version', 'version'],
  ['/metrics', 'metrics'],
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
  '/generative_scoring',
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
  if (path.startsWith(MODELS) && isRead(method)) {
    return { kind: 'model', id: decoded(path.slice(MODELS.length)) };
  }
  if (path.startsWith(RESPONSES)) {
    const [id = ''] = path.slice(RESPONSES.length).split('/');
    return { kind: 'response', id: decoded(id) };
  }
  const call = controlCall(path, query) ?? disguisedCall(path, query);
  if (call !== null) return { kind: 'control', call };
  return { kind: 'relay', repeatable: READING.has(method) || REPEATABLE.has(path) };
}

/** A browser's preflight is the engine's to answer: it knows the origins. */
function posted(method: string, route: Route): Route {
  if (method === 'POST') return route;
  if (method === 'OPTIONS') return { kind: 'relay', repeatable: true };
  return { kind: 'wrong-method', allowed: 'POST' };
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** A development call in another spelling: with escapes, which engines decode, with empty or dot
 * segments, which proxies in between may resolve, or below a root path. */
function disguisedCall(path: string, query: string): ControlCall | null {
  const segments = decoded(path)
    .split('/')
    .filter((one) => one !== '' && one !== '.');
  const call = controlCall(`/${segments.at(-1) ?? ''}`, query);
  return call?.development === true ? call : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone % is itself.
    return text;
  }
}
