// Every failure a client can see: one table from code to HTTP status and OpenAI error type.
export type ErrorSource = 'client' | 'engine' | 'router';

interface ErrorKind {
  readonly status: number;
  /** `type` of the OpenAI error body; vLLM's names (VLLM's own server answers with the same). */
  readonly type: string;
  readonly source: ErrorSource;
}

const client = (status: number, type: string): ErrorKind => ({ status, type, source: 'client' });
const engine = (status: number, type: string): ErrorKind => ({ status, type, source: 'engine' });
const router = (status: number, type: string): ErrorKind => ({ status, type, source: 'router' });

export const ERROR_KINDS = {
  invalid_json: client(400, 'BadRequestError'),
  invalid_request: client(400, 'BadRequestError'),
  prompt_too_long: client(400, 'BadRequestError'),
  unauthorized: client(401, 'UnauthorizedError'),
  forbidden: client(403, 'ForbiddenError'),
  model_not_found: client(404, 'NotFoundError'),
  not_found: client(404, 'NotFoundError'),
  method_not_allowed: client(405, 'MethodNotAllowedError'),
  body_too_large: client(413, 'RequestEntityTooLargeError'),
  client_closed: client(499, 'ClientClosedError'),
  request_rate: client(429, 'TooManyRequestsError'),
  token_rate: client(429, 'TooManyRequestsError'),
  queue_full: router(429, 'TooManyRequestsError'),
  queue_timeout: router(429, 'TooManyRequestsError'),
  internal: router(500, 'InternalServerError'),
  not_implemented: router(501, 'NotImplementedError'),
  no_endpoint: router(503, 'ServiceUnavailableError'),
  draining: router(503, 'ServiceUnavailableError'),
  engine_unreachable: engine(502, 'BadGatewayError'),
  engine_closed: engine(502, 'BadGatewayError'),
  engine_timeout: engine(504, 'GatewayTimeoutError'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** These tell a client to come again; for the RouterErrors that do not know when, a second from now. */
const COME_AGAIN: ReadonlySet<number> = new Set([429, 503]);
const USUAL_WAIT_SECONDS = 1;

export interface ErrorDetails {
  /** Path of the request field at fault, such as `messages[2].role`. */
  readonly param?: string;
  readonly retryAfterSeconds?: number;
  /** `WWW-Authenticate`, with a 401. */
  readonly challenge?: string;
  readonly cause?: unknown;
}

/** A failure with a stable code. `message` says what, where and which value. */
export class RouterError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly source: ErrorSource;
  readonly param: string | null;
  /** Always there with a 429 or a 503. */
  readonly retryAfterSeconds: number | null;
  readonly challenge: string | null;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RouterError';
    this.code = code;
    const kind = ERROR_KINDS[code];
    this.status = kind.status;
    this.type = kind.type;
    this.source = kind.source;
    this.param = details.param ?? null;
    const usualSeconds = COME_AGAIN.has(kind.status) ? USUAL_WAIT_SECONDS : null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? usualSeconds;
    this.challenge = details.challenge ?? null;
  }
}

/** A mistake in configuration or flags: printed as one line, exit code 2, no stack. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}
