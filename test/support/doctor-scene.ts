// The doctor in front of one simulated engine.
import assert from 'node:assert/strict';
import { examineFleet } from '../../src/cli/doctor.js';
import { parseConfig } from '../../src/config/config.js';
import type { CheckName, Finding } from '../../src/doctor/finding.js';
import { setLogLevel } from '../../src/log.js';
import { loadPromptEncoder } from '../../src/sim/model-encoder.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { tinyTokenizerFolder } from './tiny-tokenizer.js';

export const MODEL = 'org/model';
export const CHAT_TEMPLATE = '{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}';
const tokenizer = tinyTokenizerFolder({ config: { chat_template: CHAT_TEMPLATE } });
export const encoder = await loadPromptEncoder(tokenizer);
export const SIM: Partial<SimOptions> = { encoder, model: MODEL, hashSeed: '42' };

type Keys = Readonly<Record<string, unknown>>;

export interface Described {
  readonly endpoint?: Keys;
  readonly model?: Keys;
  readonly top?: Keys;
}

export function configText(
  sim: Pick<SimEngine, 'url' | 'kvEvents' | 'kvReplay'>,
  change: Described,
): string {
  const { url, kvEvents, kvReplay } = sim;
  const endpoint = { name: 'a', url, kvEvents, kvReplay, ...change.endpoint };
  const model = {
    ...{ name: MODEL, tokenizer, hashSeed: '42', endpoints: { static: [endpoint] } },
    ...change.model,
  };
  const limits = { monitor: { timeoutMs: 1000 }, tokenizer: { threads: 1 } };
  return JSON.stringify({ models: [model], ...limits, ...change.top });
}

export async function examine(
  sim: Pick<SimEngine, 'url' | 'kvEvents' | 'kvReplay'>,
  change: Described = {},
  probes = true,
): Promise<readonly Finding[]> {
  setLogLevel('error');
  return examineFleet(parseConfig(configText(sim, change), 'doctor.yaml').config, probes);
}

/** Exactly this is wrong. */
export function onlyWrong(findings: readonly Finding[], check: CheckName, message: RegExp): void {
  const wrong = findings.filter(({ status }) => status === 'wrong');
  assert.deepEqual(
    wrong.map((finding) => finding.check),
    [check],
    JSON.stringify(wrong, null, 1),
  );
  assert.match(wrong[0]?.message ?? '', message);
  assert.ok((wrong[0]?.cure ?? '').length > 0);
}

export function statusOf(findings: readonly Finding[], check: CheckName): string | undefined {
  return findings.find((finding) => finding.check === check)?.status;
}
