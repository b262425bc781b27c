// Faults that tests switch on in a running engine's HTTP server, and off again.

/** One path fails or is slow. */
export interface PathFault {
  /** Answered in place of the real answer; null: only slow. */
  readonly status: number | null;
  readonly delayMs: number;
}

export interface ServerFaults {
  /** Generation requests are accepted and never answered. */
  hang: boolean;
  /** Generation requests are answered with this status and an error body; null: normally. */
  status: number | null;
  /** Answers fail after this many tokens: the connection breaks, or an error event ends the stream. */
  failAfterTokens: number | null;
  failure: 'disconnect' | 'error';
  /** /health answers 503. */
  unhealthy: boolean;
  /** Milliseconds before any request is looked at. */
  delayMs: number;
  /** By path, such as `/tokenize`. */
  readonly paths: Map<string, PathFault>;
  /** Requests seen by path, whatever came of them. */
  readonly seen: Map<string, number>;
}

export function noServerFaults(): ServerFaults {
  return {
    hang: false,
    status: null,
    failAfterTokens: null,
    failure: 'disconnect',
    unhealthy: false,
    delayMs: 0,
    paths: new Map(),
    seen: new Map(),
  };
}
