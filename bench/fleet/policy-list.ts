// Every policy by name. Formulas of other routers are those their projects publish, or their code has,
// as of the dates given.

import { suggestion } from '../../src/config/nearest-name.js';
import { ConfigError } from '../../src/errors.js';
import { dynamo, llmDSeed, oracle } from './policies/event-policies.js';
import { approximate2025, approximateTuned, cacheAware } from './policies/guessing-policies.js';
import { boundedHash, prefixHash, session } from './policies/hash-policies.js';
import { llmDCurrent, precise, warmpath } from './policies/router-policies.js';
import { load, random, roundRobin } from './policies/unaware-policies.js';
import type { PolicyKind } from './policy.js';

export const POLICIES: readonly PolicyKind[] = [
  random,
  roundRobin,
  load,
  session,
  prefixHash,
  boundedHash,
  approximate2025,
  approximateTuned,
  cacheAware,
  dynamo,
  llmDSeed,
  llmDCurrent,
  precise,
  warmpath,
];

/** With what is only a reference. */
export const KNOWN_POLICIES: readonly PolicyKind[] = [...POLICIES, oracle];

/** `all`, or names with commas between them. Throws ConfigError for a name nobody has. */
export function policiesNamed(text: string): readonly PolicyKind[] {
  const names = text.split(',').map((name) => name.trim());
  return names.flatMap((name) => {
    if (name === 'all') return POLICIES;
    const policy = KNOWN_POLICIES.find((one) => one.name === name);
    if (policy !== undefined) return [policy];
    const list = KNOWN_POLICIES.map((one) => one.name);
    throw new ConfigError(
      `bench fleet: unknown policy "${name}"${suggestion(name, list)}; known are ${list.join(', ')} and all`,
    );
  });
}
