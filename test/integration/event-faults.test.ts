// Faults of the event stream in random order and combination. After each, no endpoint is credited with
// a block that its engine does not hold.
import test, { type TestContext } from 'node:test';
import { type EventFaults, noEventFaults } from '../../src/sim/event-faults.js';
import { connected, type Scene, stage, startAgain } from '../support/event-scene.js';
import { post } from '../support/openai-client.js';
import { runSeed, seededRandom } from '../support/random.js';
import { TEST_MODEL } from '../support/router.js';
import { waitFor } from '../support/wait-for.js';

const ROUNDS = 12;

type Random = () => number;

/** What one round switches on in an engine's publisher. */
const FAULTS: readonly ((random: Random) => Partial<EventFaults>)[] = [
  (random) => ({ dropShare: 0.3 * random() }),
  (random) => ({ dropShare: 0.3 * random(), dropFromHistory: true }),
  (random) => ({ dropShare: 0.3 * random(), replaySilent: true }),
  (random) => ({ dropShare: 0.3 * random(), replayReversed: true }),
  (random) => ({ dropShare: 0.3 * random(), replayTwice: true, delayMs: 20 * random() }),
  () => ({ silent: true }),
  () => ({ dropShare: 1, dropFromHistory: true }),
  () => ({}),
];

/** What happens to an engine in the middle of a round. */
const BLOWS: readonly ((scene: Scene, engine: number, t: TestContext) => unknown)[] = [
  () => undefined,
  ({ sims }, engine) => sims[engine]?.restart(),
  ({ sims }, engine) => post(`${sims[engine]?.url}/reset_prefix_cache`, {}),
  async ({ sims, watch }, engine, t) => {
    const victim = sims[engine];
    if (victim === undefined) return;
    const reborn = await startAgain(t, victim);
    sims[engine] = reborn;
    watch.replace('ab'.charAt(engine), reborn);
  },
];

const CASES = [
  { what: 'replay of everything', sim: {}, endpoint: {} },
  { what: 'replay of the last 20 batches', sim: { bufferSteps: 20 }, endpoint: {} },
  { what: 'no replay', sim: {}, endpoint: { kvReplay: null } },
] as const;

for (const { what, sim, endpoint } of CASES) {
  test(`random faults leave no phantom block: ${what}`, async (t) => {
    const scene = await stage(t, 2, { sim, endpoint });
    const random = seededRandom(runSeed);
    const any = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];
    const done: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const engine = Math.floor(random() * scene.sims.length);
      const fault = { ...noEventFaults(), random, ...any(FAULTS)?.(random) };
      const blow = any(BLOWS);
      done.push(`${JSON.stringify({ engine, ...fault })} ${blow}`);
      setFaults(scene, engine, fault);
      const loading = scene.load(24);
      await blow?.(scene, engine, t);
      await loading;
      setFaults(scene, engine, noEventFaults());
      await connected(scene.router);
      await publish(scene);
      await scene.recovered().catch((error) => {
        const states = scene.router.assembly.fleet.all.map(({ endpoint, trust, events }) =>
          JSON.stringify({
            name: endpoint.name,
            trust,
            sequence: events?.sequence,
            ...events?.counts,
            reason: events?.reason,
          }),
        );
        const told = [...states, ...done.slice(-3)].join('\n');
        throw new Error(
          `seed ${runSeed}, round ${round}: ${error} ${JSON.stringify(scene.watch.compare())}\n${told}`,
        );
      });
      // A restart may be noticed only now, and the next prompt proves the new process.
      await waitFor('exact again', async () => {
        if (!scene.trust.all('exact')) await publish(scene);
        return scene.trust.all('exact');
      });
    }
  });
}

function setFaults({ sims }: Scene, engine: number, faults: EventFaults): void {
  const target = sims[engine]?.eventFaults;
  if (target != null) Object.assign(target, faults);
}

/** Every engine tells its number: a publisher that has lost its last batch is silent else. */
async function publish({ sims }: Scene): Promise<void> {
  for (const { url } of sims) {
    const prompt = Array.from({ length: 40 }, () => Math.floor(Math.random() * 1e6));
    await post(`${url}/v1/completions`, { model: TEST_MODEL, prompt, max_tokens: 20 });
  }
}
