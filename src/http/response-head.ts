// What may stand in the head of a response, and which responses have no body.
import { STATUS_CODES } from 'node:http';
import type { HeaderList } from './exchange.js';

export interface ConnectionPolicy {
  /** The server is going away: responses end their connection, so that clients go elsewhere. */
  readonly closesConnections: boolean;
}

/** Headers that describe the connection or that every server here writes itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
const CONTROL = /[\0-\x08\n-\x1f\x7f]/;

/** The headers to write. Throws TypeError where a value could end the line and start another one. */
export function headersToWrite(headers: HeaderList): HeaderList {
  for (const [name, value] of headers) {
    if (!NAME.test(name)) {
      throw new TypeError(`response header name ${JSON.stringify(name)} is not a token`);
    }
    if (CONTROL.test(value)) {
      throw new TypeError(`response header ${name} has a control character in its value`);
    }
  }
  return headers.filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
}

/** Such as `200 OK`. */
export function statusLine(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? 'Unknown'}`;
}

/** Whether the message ends after its head, whatever its headers say (RFC 9112, section 6.3). */
export function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}
