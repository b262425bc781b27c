// `warmpath explain`: where a request would go, and why; nothing is sent to an engine's model.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig, NO_OVERRIDES } from '../config/config.js';
import { setLogLevel } from '../log.js';
import { explainedShape } from '../router/admin.js';
import type { Fleet } from '../router/fleet.js';
import type { CommandInvocation } from './arguments.js';
import { assemble } from './assembly.js';

/** Time for the engines to replay their events to a router that has just started. */
const LEARN_MS = 5000;
const LOOK_MS = 50;
const STDIN = 0;

export async function explain({ flags }: CommandInvocation<'explain'>): Promise<void> {
  const overrides = {
    ...NO_OVERRIDES,
    eppFile: flags['config-file'],
    eppText: flags['config-text'],
  };
  const { config } = loadConfig(flags.config, overrides);
  setLogLevel('error');
  const body = readFileSync(STDIN);
  const assembly = await assemble(config);
  try {
    await learned(assembly.fleet);
    const shape = explainedShape(flags.path, body);
    const wish = { headers: [], showsPrompt: flags['show-prompt'] };
    const record = await assembly.router.explain(shape, body, wish);
    process.stdout.write(`${JSON.stringify(record, null, 2)}\n`);
  } finally {
    await assembly.close(0);
  }
}

/** Waits until every endpoint's events are known to be complete, or for as long as that may take. */
async function learned(fleet: Fleet): Promise<void> {
  const deadline = performance.now() + LEARN_MS;
  const unknown = () => fleet.all.some(({ trust }) => trust === 'none' || trust === 'degraded');
  while (unknown() && performance.now() < deadline) await delay(LOOK_MS);
}
