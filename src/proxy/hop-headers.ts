// Which headers cross the router (RFC 9110, section 7.6.1).
import type { HeaderList } from '../http/exchange.js';
import type { ForwardRequest } from './forwarder.js';

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Set anew by undici for the engine's connection; `expect` was answered by our own server. */
const REQUEST_ONLY: ReadonlySet<string> = new Set(['content-length', 'expect', 'host']);

/** Headers for the engine as undici takes them: name, value, name, value, ... */
export function requestHeaders(request: ForwardRequest): string[] {
  const listed = connectionTokens(request.headers);
  const replaced = names(request.extraRequestHeaders);
  const flat: string[] = [];
  for (const [name, value] of request.headers) {
    if (!crosses(name) || listed?.has(name) || replaced?.has(name)) continue;
    flat.push(name, value);
  }
  for (const [name, value] of request.extraRequestHeaders) {
    if (crosses(name.toLowerCase())) flat.push(name, value);
  }
  return flat;
}

function crosses(name: string): boolean {
  return !HOP_BY_HOP.has(name) && !REQUEST_ONLY.has(name);
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const PATH = /^\/[\x21-\xff]*$/;

/** Why undici would refuse to send this, or null. It must not come to that: when a Pool's client throws
 * at a request, the Pool takes that client for busy and never uses it again. */
export function sendFault(method: string, path: string, headers: readonly string[]): string | null {
  // A tunnel is not a request to an engine.
  if (!TOKEN.test(method) || method === 'CONNECT') return `method ${JSON.stringify(method)}`;
  if (!PATH.test(path)) return `path ${JSON.stringify(path)}`;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!TOKEN.test(name)) return `header name ${JSON.stringify(name)}`;
    if (!FIELD_VALUE.test(headers[i + 1] ?? '')) return `value of header ${name}`;
  }
  return null;
}

/** The engine's headers in their order, duplicates kept, from undici's raw list of names and values.
 * Content-Length is among them. */
export function responseHeaders(raw: readonly (Buffer | string)[]): HeaderList {
  const headers: [name: string, value: string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    headers.push([latin1(raw[i]).toLowerCase(), latin1(raw[i + 1])]);
  }
  const listed = connectionTokens(headers);
  return headers.filter(([name]) => !HOP_BY_HOP.has(name) && listed?.has(name) !== true);
}

/** `added` after what is left of `headers` once the added names are taken out. */
export function replaceHeaders(headers: HeaderList, added: HeaderList): HeaderList {
  if (added.length === 0) return headers;
  const replaced = names(added);
  return [...headers.filter(([name]) => replaced?.has(name) !== true), ...added];
}

/** Headers that `Connection` names as meant for this hop only. */
function connectionTokens(headers: HeaderList): ReadonlySet<string> | null {
  let tokens: Set<string> | null = null;
  for (const [name, value] of headers) {
    if (name !== 'connection') continue;
    tokens ??= new Set();
    for (const token of value.split(',')) tokens.add(token.trim().toLowerCase());
  }
  return tokens;
}

function names(headers: HeaderList): ReadonlySet<string> | null {
  return headers.length === 0 ? null : new Set(headers.map(([name]) => name.toLowerCase()));
}

function latin1(bytes: Buffer | string | undefined): string {
  if (bytes === undefined) return '';
  return typeof bytes === 'string' ? bytes : bytes.toString('latin1');
}
