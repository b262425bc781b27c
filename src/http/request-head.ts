// The head of a request, and what in it must not reach an engine.
import { RouterError } from '../errors.js';
import type { HeaderList } from './exchange.js';

export interface RequestHead {
  readonly method: string;
  /** Path without the query; starts with `/`. */
  readonly path: string;
  /** Without `?`; empty when there is none. */
  readonly query: string;
  readonly headers: HeaderList;
  readonly framing: BodyFraming;
}

export interface BodyFraming {
  readonly hasBody: boolean;
  /** Content-Length; null when the body is chunked or absent. */
  readonly declaredBytes: number | null;
  /** The client asked for the connection to be closed after the response. */
  readonly closesConnection: boolean;
}

/** How the body is delimited, or what is wrong with that. The server has checked the syntax; a head
 * that two parsers could read in two ways (RFC 9112, section 6) is refused here. */
export function readFraming(headers: HeaderList): BodyFraming | RouterError {
  let declaredBytes: number | null = null;
  let isChunked = false;
  let closesConnection = false;
  for (const [name, value] of headers) {
    if (name === 'content-length') {
      if (declaredBytes !== null) return badHead('the request has more than one Content-Length');
      if (!/^[0-9]{1,15}$/.test(value)) return badHead('Content-Length is not a number of bytes');
      declaredBytes = Number(value);
    } else if (name === 'transfer-encoding') {
      if (isChunked || value.toLowerCase() !== 'chunked') {
        return badHead('the only transfer encoding supported is chunked');
      }
      isChunked = true;
    } else if (name === 'connection') {
      closesConnection ||= value.toLowerCase().includes('close');
    }
  }
  if (isChunked && declaredBytes !== null) {
    return badHead('the request has both Content-Length and Transfer-Encoding');
  }
  return { hasBody: isChunked || (declaredBytes ?? 0) > 0, declaredBytes, closesConnection };
}

export function badHead(message: string): RouterError {
  return new RouterError('invalid_request', message);
}
