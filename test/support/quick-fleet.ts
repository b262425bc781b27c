// Simulated engines and the router in front of them, for tests in which prompts do not matter.
import type { TestContext } from 'node:test';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL, type TestRouter } from './router.js';
import { startSims } from './sim-engine.js';

/** `extra` is merged into the router's configuration, `choices` into the engines' options. */
export async function quickFleet(
  context: TestContext,
  count: number,
  extra: Readonly<Record<string, unknown>>,
  choices: Partial<SimOptions> = {},
): Promise<TestRouter & { sims: SimEngine[] }> {
  const sims = await startSims(context, count, { model: TEST_MODEL, ...choices });
  return { sims, ...(await startRouter(context, sims, extra, QUICK_TOKENIZER)) };
}
