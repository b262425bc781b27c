// A fleet of simulated engines on free ports, in real time.
import { type SimEngine, startSimEngine } from './sim-engine.js';
import type { SimOptions } from './sim-options.js';

/** `choices` apply to all; ports are free ones unless given, then they count up. */
export async function startSimFleet(
  count: number,
  choices: Partial<SimOptions> & Pick<SimOptions, 'encoder'>,
): Promise<SimEngine[]> {
  const engines: SimEngine[] = [];
  try {
    for (let i = 0; i < count; i += 1) {
      const port = choices.port === undefined || choices.port === 0 ? 0 : choices.port + i;
      engines.push(await startSimEngine({ ...choices, port }));
    }
    return engines;
  } catch (error) {
    for (const engine of engines) engine.close();
    throw error;
  }
}
