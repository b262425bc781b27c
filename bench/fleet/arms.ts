// Arms: what happens to a fleet besides its load. On undisturbed runs an idealised guess that sees all
// traffic and knows the capacity ties with exact knowledge; these are the cases where it does not.

import { suggestion } from '../../src/config/nearest-name.js';
import { ConfigError } from '../../src/errors.js';
import type { EngineOptions } from '../../src/sim/engine.js';
import type { FleetRunOptions, Incident } from './fleet-run.js';

type ArmSetting = Pick<
  FleetRunOptions,
  'engines' | 'replicas' | 'bypassShare' | 'assumedBlocks' | 'incidents'
>;

export interface Arm {
  readonly name: string;
  readonly about: string;
  /** `spanUs`: how long the workload lasts, about. */
  apply(engines: readonly EngineOptions[], spanUs: number): ArmSetting;
}

const undisturbed = (engines: readonly EngineOptions[]): ArmSetting => ({
  engines,
  replicas: 1,
  bypassShare: 0,
  assumedBlocks: null,
  incidents: [],
});

/** An engine that restarts is away for this long; vLLM with a warm page cache and compile cache. */
const ENGINE_DOWN_US = 20e6;
const BYPASS_SHARE = 0.3;

export const NO_ARM: Arm = { name: 'none', about: 'nothing happens', apply: undisturbed };

const replicas = (count: number): Arm => ({
  name: `replicas-${count}`,
  about: `${count} routers side by side, requests reach any of them; those of precise and warmpath tell each other their load every 200 ms`,
  apply: (engines) => ({ ...undisturbed(engines), replicas: count }),
});

const incident = (
  name: string,
  about: string,
  incidents: (engines: readonly EngineOptions[], spanUs: number) => readonly Incident[],
): Arm => ({
  name,
  about,
  apply: (engines, spanUs) => ({
    ...undisturbed(engines),
    incidents: incidents(engines, spanUs),
  }),
});

export const ARMS: readonly Arm[] = [
  NO_ARM,
  replicas(2),
  replicas(4),
  replicas(8),
  incident('router-restart', 'a new router process takes over at one half', (_, spanUs) => [
    { kind: 'router-restart', atUs: spanUs / 2 },
  ]),
  incident(
    'engine-restart',
    `a third of the engines restart in turn, each away for ${ENGINE_DOWN_US / 1e6} s`,
    (engines, spanUs) => {
      const count = Math.max(1, Math.floor(engines.length / 3));
      return Array.from({ length: count }, (_, slot) => ({
        kind: 'engine-restart' as const,
        atUs: (spanUs * (slot + 1)) / (count + 1),
        slot,
        downUs: ENGINE_DOWN_US,
      }));
    },
  ),
  incident(
    'scale',
    'half as many engines join at one third and leave at two thirds',
    (engines, spanUs) => {
      const count = Math.ceil(engines.length / 2);
      return Array.from({ length: count }, (_, i) => i).flatMap((i): Incident[] => {
        const options = engines[i];
        if (options === undefined) return [];
        return [
          { kind: 'engine-joins', atUs: spanUs / 3, options },
          { kind: 'engine-leaves', atUs: (spanUs * 2) / 3, slot: engines.length + i },
        ];
      });
    },
  ),
  {
    name: 'bypass',
    about: `${BYPASS_SHARE * 100} % of the requests reach any engine past the router; hits and times are those of the others`,
    apply: (engines) => ({ ...undisturbed(engines), bypassShare: BYPASS_SHARE }),
  },
  {
    name: 'capacity',
    about: 'engines have half the cache that guessing policies believe',
    apply: (engines) => ({
      ...undisturbed(resized(engines, 0.5)),
      assumedBlocks: engines[0]?.usableBlocks ?? null,
    }),
  },
  {
    name: 'eviction',
    about: 'engines have a third of the cache, and guessing policies know',
    apply: (engines) => undisturbed(resized(engines, 1 / 3)),
  },
];

/** `all`, or names with commas between them. */
export function armsNamed(text: string): readonly Arm[] {
  return text.split(',').flatMap((part) => {
    const name = part.trim();
    if (name === 'all') return ARMS;
    const arm = ARMS.find((one) => one.name === name);
    if (arm !== undefined) return [arm];
    const known = ARMS.map((one) => one.name);
    throw new ConfigError(
      `bench fleet: unknown arm "${name}"${suggestion(name, known)}; known are ${known.join(', ')} and all`,
    );
  });
}

function resized(engines: readonly EngineOptions[], share: number): readonly EngineOptions[] {
  return engines.map((engine) => ({
    ...engine,
    usableBlocks: Math.max(1, Math.floor(engine.usableBlocks * share)),
  }));
}
