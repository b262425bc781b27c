#!/usr/bin/env node
// Process entry: picks the command, turns a failure into a message and an exit code.
import { ConfigError } from './errors.js';

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
