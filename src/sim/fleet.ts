// A fleet of simulated engines: on free ports in real time, or without any socket in virtual time.
import type { BlockEvent } from './block-events.js';
import { type Clock, VirtualClock } from './clock.js';
import { Engine, type EngineOptions } from './engine.js';
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

export interface VirtualFleet {
  readonly clock: VirtualClock;
  readonly engines: readonly Engine[];
}

/** `onEvents` gets each engine's events, once a step; null saves their making. */
export function createVirtualFleet(
  count: number,
  options: EngineOptions,
  onEvents: ((engine: number, events: readonly BlockEvent[], clock: Clock) => void) | null,
): VirtualFleet {
  const clock = new VirtualClock();
  const engines = Array.from({ length: count }, (_, i) => {
    return new Engine(options, clock, onEvents && ((events) => onEvents(i, events, clock)));
  });
  return { clock, engines };
}
