// Whatever happens to the event stream, the router soon credits no endpoint with a block that its
// engine does not hold: real HTTP, real ZMQ, engines with a real block pool that evicts.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SIM, stage, startAgain } from '../support/event-scene.js';
import { post } from '../support/openai-client.js';
import { runSeed, seededRandom } from '../support/random.js';
import { TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

test('an engine killed and started again at the same addresses starts from nothing', async (t) => {
  const { sims, watch, trust, load, recovered, complete } = await stage(t, 2);
  const [victim] = sims;
  assert.ok(victim !== undefined);
  trust.forget();
  const reborn = await startAgain(t, victim);
  watch.replace('a', reborn);
  assert.ok(watch.compare().phantom > 0 || reborn.blockHashes().size === 0);
  await recovered();
  await waitFor('doubt about the engine', () => trust.went('a', 'degraded'));
  await waitFor('the endpoint is back', () => trust.available('a'));
  await load(40);
  await complete();
  await waitFor('exact again', () => trust.all('exact'));
  assert.ok(!trust.went('b', 'degraded'));
});

test('an engine that restarts between two batches, on the same connection, starts from nothing', async (t) => {
  const { sims, trust, load, complete } = await stage(t, 2);
  for (let restart = 0; restart < 3; restart += 1) {
    trust.forget();
    sims[0]?.restart();
    await load(30);
    await complete();
    await waitFor('doubt about the engine', () => trust.went('a', 'degraded'));
    await waitFor('exact again', () => trust.all('exact'));
  }
});

for (const fault of ['plain', 'replayTwice', 'replayReversed'] as const) {
  test(`1 % of the messages lost: the replay brings them all (${fault})`, async (t) => {
    const { router, sims, trust, load, recovered, complete } = await stage(t, 2);
    const random = seededRandom(runSeed);
    for (const { eventFaults } of sims) {
      if (eventFaults === null) continue;
      Object.assign(eventFaults, { dropShare: 0.01, random });
      if (fault !== 'plain') eventFaults[fault] = true;
    }
    trust.forget();
    await load(400);
    const gaps = () => {
      return router.assembly.fleet.all.reduce(
        (sum, { events }) => sum + (events?.counts.gaps ?? 0),
        0,
      );
    };
    await recovered();
    await complete();
    assert.ok(gaps() > 0, 'no message was lost');
    assert.ok(trust.went('a', 'degraded') || trust.went('b', 'degraded'));
    await waitFor('exact again', () => trust.all('exact'));
  });
}

test('1 % of the messages lost and no replay: what may be wrong is forgotten', async (t) => {
  const { sims, load, recovered } = await stage(t, 2, { endpoint: { kvReplay: null } });
  const random = seededRandom(runSeed);
  for (const { eventFaults } of sims) {
    if (eventFaults !== null) Object.assign(eventFaults, { dropShare: 0.01, random });
  }
  await load(400);
  for (const { eventFaults } of sims) {
    if (eventFaults !== null) eventFaults.dropShare = 0;
  }
  await load(8);
  await recovered();
});

test('the last message before an engine falls silent is missed as well', async (t) => {
  const { sims, load, complete } = await stage(t, 1);
  const [sim] = sims;
  assert.ok(sim?.eventFaults);
  sim.eventFaults.dropShare = 1;
  await load(4);
  sim.eventFaults.dropShare = 0;
  await complete();
});

test('messages of an endpoint that was removed change nothing, even for its successor', async (t) => {
  const { router, sims, watch, load, complete } = await stage(t, 2);
  const { fleet, index } = router.assembly;
  const [first] = sims;
  assert.ok(first?.eventFaults);
  const slot = fleet.all.find(({ endpoint }) => endpoint.name === 'a')?.endpoint.slot ?? -1;
  first.eventFaults.delayMs = 150;
  await load(30);
  fleet.remove('a');
  const [next] = await startSims(t, 1, SIM);
  assert.ok(next !== undefined);
  await waitFor('the free slot', () => index.blocksOf(slot, 0) === 0);
  const { url, kvEvents, kvReplay } = next;
  fleet.add({ name: 'c', url, model: TEST_MODEL, kvEvents, kvReplay, dataParallelRank: null });
  watch.replace('c', next);
  // The old engine still tells what it did before, and does more.
  await load(30);
  await delay(300);
  assert.equal(watch.compare().phantom, 0);
  await complete();
  const reused = fleet.all.find(({ endpoint }) => endpoint.name === 'c')?.endpoint.slot;
  assert.equal(reused, slot);
});

test('garbage on the event socket neither stops the stream nor leaves a phantom', async (t) => {
  const { sims, trust, load, recovered, complete, router } = await stage(t, 2);
  const [sim] = sims;
  assert.ok(sim !== undefined);
  const sending = load(60);
  for (let i = 0; i < 3000; i += 1) {
    sim.sendEventFrames(garbage(i));
    if (i % 100 === 0) await delay(1);
  }
  await sending;
  await recovered();
  // The engine's next own batch shows where its numbers are.
  await post(`${sim.url}/v1/completions`, { model: TEST_MODEL, prompt: [7, 8, 9], max_tokens: 40 });
  await complete();
  await waitFor('exact again', () => trust.all('exact'));
  const state = router.assembly.fleet.all.find(({ endpoint }) => endpoint.name === 'a')?.events;
  assert.ok((state?.counts.malformed ?? 0) > 0);
});

/** Wrong frame counts, wrong sequence frames, far sequence numbers, payloads of any bytes. */
function garbage(i: number): Buffer[] {
  const far = Buffer.alloc(8);
  far.writeBigInt64BE(BigInt(i) * 1_000_003n);
  const bytes = randomBytes(i % 400);
  switch (i % 6) {
    case 0:
      return [bytes];
    case 1:
      return [Buffer.alloc(0), randomBytes(i % 16), bytes];
    case 2:
      return [Buffer.alloc(0), bytes, bytes, bytes];
    case 3:
      return [Buffer.alloc(0), far, bytes];
    case 4:
      return [Buffer.alloc(0), randomBytes(8), bytes];
    default:
      // A batch in form, with events that are none.
      return [
        Buffer.alloc(0),
        far,
        Buffer.from([0x93, 0xcb, ...randomBytes(8), 0x92, 0xc0, 0x01, 0x00]),
      ];
  }
}

test('a cache reset at the engine is taken over with its next batch', async (t) => {
  const { sims, watch, load, recovered, complete } = await stage(t, 2);
  const [sim] = sims;
  const answer = await post(`${sim?.url}/reset_prefix_cache`, {});
  assert.deepEqual(answer.body, { success: true });
  assert.ok(watch.compare().phantom > 0);
  await load(30);
  await recovered();
  await complete();
});
