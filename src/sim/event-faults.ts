// Faults that tests switch on in a running event publisher, and off again.

export interface EventFaults {
  /** Share of messages, 0 to 1, that are not sent although they use up a number. */
  dropShare: number;
  /** Dropped messages are not kept for replay either, as when vLLM's publish raises. */
  dropFromHistory: boolean;
  /** Milliseconds between a message and its sending; order is kept. */
  delayMs: number;
  /** How far the engine's clock is ahead of the true one; behind when negative. */
  clockOffsetMs: number;
  /** Nothing is sent; numbers are used up and replay keeps answering. */
  silent: boolean;
  /** Replay requests get no answer. */
  replaySilent: boolean;
  /** Every replayed message comes twice. */
  replayTwice: boolean;
  /** Replayed messages come in reverse order. */
  replayReversed: boolean;
  /** Source of the drops. */
  random: () => number;
}

export function noEventFaults(): EventFaults {
  return {
    dropShare: 0,
    dropFromHistory: false,
    delayMs: 0,
    clockOffsetMs: 0,
    silent: false,
    replaySilent: false,
    replayTwice: false,
    replayReversed: false,
    random: Math.random,
  };
}
