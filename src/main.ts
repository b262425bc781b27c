#!/usr/bin/env node
// Process entry: picks the command, turns a failure into a message and an exit code.
import { ConfigError, RouterError } from './errors.js';

type Command = (args: readonly string[]) => Promise<void>;

/** Loaded on demand, so that `inspect` does not wait for the parts of a server. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./cli/serve.js')).serve,
  demo: async () => (await import('./cli/demo.js')).demo,
  sim: async () => (await import('./cli/sim.js')).runSim,
  explain: async () => (await import('./cli/explain.js')).explain,
  inspect: async () => (await import('./cli/inspect.js')).inspect,
  bench: async () => (await import('./cli/bench.js')).bench,
};

const USAGE = `usage: warmpath <command> [flags]

  serve   --config FILE [--port P] [--admin-port A] [--config-file F | --config-text T]
  demo    [--engines N] [--port P] [--admin-port A]
  sim     [--port P] [--kv-events ADDRESS] [--kv-replay ADDRESS] [--block-size N] ...
  explain --config FILE < request.json
  inspect hash|event|tokens < lines.jsonl
  bench   NAME [--json]
`;

async function main(): Promise<void> {
  const [name = '', ...args] = process.argv.slice(2);
  if (name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(USAGE);
    return;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) throw new ConfigError(`no command ${JSON.stringify(name)}\n${USAGE}`);
  await (await load())(args);
}

try {
  await main();
} catch (failure) {
  // A mistake of the operator needs a sentence, a bug of ours needs the stack.
  const known = failure instanceof ConfigError || failure instanceof RouterError;
  const text = known ? failure.message : String(failure instanceof Error ? failure.stack : failure);
  process.stderr.write(`warmpath: ${text.trimEnd()}\n`);
  process.exitCode = failure instanceof ConfigError ? 2 : 1;
}
