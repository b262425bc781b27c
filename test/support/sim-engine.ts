// Simulated engines for the length of one test, on free ports, quick unless asked otherwise.
import type { TestContext } from 'node:test';
import { startSimFleet } from '../../src/sim/fleet.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { byteEncoder } from './byte-encoder.js';

export async function startSims(
  context: TestContext,
  count: number,
  choices: Partial<SimOptions> = {},
): Promise<SimEngine[]> {
  const sims = await startSimFleet(count, { encoder: byteEncoder, timing: 'canned', ...choices });
  context.after(() => {
    for (const sim of sims) sim.close();
  });
  return sims;
}

export async function startSim(
  context: TestContext,
  choices: Partial<SimOptions> = {},
): Promise<SimEngine> {
  const [sim] = await startSims(context, 1, choices);
  if (sim === undefined) throw new Error('no engine started');
  return sim;
}
