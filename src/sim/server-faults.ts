// Faults that tests switch on in a running engine's HTTP server, and off again.

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
}

export function noServerFaults(): ServerFaults {
  return {
    hang: false,
    status: null,
    failAfterTokens: null,
    failure: 'disconnect',
    unhealthy: false,
    delayMs: 0,
  };
}
