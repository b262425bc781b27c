// `warmpath inspect hash|event|tokens`: parity with an engine by hand, on the code the router uses.
import type { CommandInvocation } from './arguments.js';
import { answerLines } from './json-lines.js';

type Answer = (value: unknown) => object | Promise<object>;

export async function inspect({ operand }: CommandInvocation<'inspect'>): Promise<void> {
  await answerLines(process.stdin, process.stdout, await answerOf(operand));
}

async function answerOf(operand: string | null): Promise<Answer> {
  switch (operand) {
    case 'hash':
      return (await import('./inspect-hash.js')).inspectHash;
    case 'event':
      return (await import('./inspect-event.js')).inspectEvent;
    default:
      return (await import('./inspect-tokens.js')).inspectTokens;
  }
}
