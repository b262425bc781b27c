// `warmpath inspect hash|event|tokens`: parity with an engine by hand, on the code the router uses.
import { ConfigError } from '../errors.js';
import { answerLines } from './json-lines.js';

type Answer = (value: unknown) => object | Promise<object>;

const KINDS: Readonly<Record<string, () => Promise<Answer>>> = {
  hash: async () => (await import('./inspect-hash.js')).inspectHash,
  event: async () => (await import('./inspect-event.js')).inspectEvent,
  tokens: async () => (await import('./inspect-tokens.js')).inspectTokens,
};

export async function inspect(args: readonly string[]): Promise<void> {
  const [kind = '', ...rest] = args;
  const load = KINDS[kind];
  if (load === undefined || rest.length > 0) {
    throw new ConfigError(
      `usage: warmpath inspect hash|event|tokens < lines.jsonl (got: ${args.join(' ') || 'nothing'})`,
    );
  }
  await answerLines(process.stdin, process.stdout, await load());
}
