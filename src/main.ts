#!/usr/bin/env node
// Process entry: picks the command, turns a failure into a message and an exit code.
import { parseArguments } from './cli/arguments.js';
import { ConfigError, RouterError } from './errors.js';

/** Commands are loaded on demand, so that `inspect` does not wait for the parts of a server. */
async function main(argv: readonly string[]): Promise<void> {
  const invocation = parseArguments(argv, process.env);
  switch (invocation.command) {
    case 'help':
      process.stdout.write(invocation.text);
      return;
    case 'version':
      process.stdout.write(`${(await import('./cli/version.js')).VERSION}\n`);
      return;
    case 'serve':
      return (await import('./cli/serve.js')).serve(invocation);
    case 'demo':
      return (await import('./cli/demo.js')).demo(invocation);
    case 'sim':
      return (await import('./cli/sim.js')).runSim(invocation);
    case 'doctor':
      return (await import('./cli/doctor.js')).doctor(invocation);
    case 'explain':
      return (await import('./cli/explain.js')).explain(invocation);
    case 'inspect':
      return (await import('./cli/inspect.js')).inspect(invocation);
    case 'bench':
      return (await import('./cli/bench.js')).bench(invocation);
  }
}

try {
  await main(process.argv.slice(2));
} catch (failure) {
  // A mistake of the operator needs a sentence, a bug of ours needs the stack.
  const known = failure instanceof ConfigError || failure instanceof RouterError;
  const text = known ? failure.message : String(failure instanceof Error ? failure.stack : failure);
  process.stderr.write(`warmpath: ${text.trimEnd()}\n`);
  process.exitCode = failure instanceof ConfigError ? 2 : 1;
}
