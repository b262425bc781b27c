// What a failure of undici means to the client and to the router.
import { RouterError } from '../errors.js';

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const CLOSED: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

export function engineFailure(url: string, cause: Error, sent: boolean): RouterError {
  if (cause instanceof RouterError) return cause;
  const code = codeOf(cause);
  if (!sent || UNREACHABLE.has(code)) {
    const message = `engine ${url} cannot be reached: ${cause.message || code}`;
    return new RouterError('engine_unreachable', message, { cause });
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new RouterError('engine_timeout', `engine ${url} did not answer in time`, { cause });
  }
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    return new RouterError('engine_timeout', `engine ${url} stopped sending`, { cause });
  }
  if (CLOSED.has(code)) {
    return new RouterError('engine_closed', `engine ${url} closed the connection (${code})`, {
      cause,
    });
  }
  return new RouterError('engine_closed', `engine ${url}: ${cause.message} (${code})`, { cause });
}

/** Whether the connection ended without a byte that would explain why. */
export function isConnectionEnd(cause: Error): boolean {
  return CLOSED.has(codeOf(cause));
}

function codeOf(cause: Error): string {
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
}
