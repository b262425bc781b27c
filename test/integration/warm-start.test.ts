// A router that starts knows at once what its peer knows, or what it knew itself when it stopped.
// Engines here replay only a few batches, so that nothing else could tell it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { examineFleet } from '../../src/cli/doctor.js';
import { parseConfig } from '../../src/config/config.js';
import { freePort } from '../../src/sim/free-port.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import { get, post } from '../support/openai-client.js';
import { QUICK_TOKENIZER, TEST_MODEL } from '../support/router.js';
import { type RouterProcess, serveProcess } from '../support/router-process.js';
import { startSims } from '../support/sim-engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { waitFor } from '../support/wait-for.js';

const BLOCK = 16;
const PROMPTS = 32;
const PROMPT_TOKENS = 40 * BLOCK;
const REPLAY_STEPS = 12;
const WITHIN_MS = 5000;

const ADMIN_KEY = 'ops-1';
const SIM = {
  model: TEST_MODEL,
  hashSeed: '42',
  kvTokens: 4000 * BLOCK,
  timing: 'canned',
  bufferSteps: REPLAY_STEPS,
} as const;

interface Place {
  readonly port: number;
  readonly adminPort: number;
}

async function placeOf(): Promise<Place> {
  return { port: await freePort('127.0.0.1'), adminPort: await freePort('127.0.0.1') };
}

function serve(
  t: TestContext,
  sims: readonly SimEngine[],
  place: Place,
  keys: Readonly<Record<string, unknown>> = {},
): RouterProcess {
  const endpoints = sims.map(({ url, kvEvents, kvReplay }, i) => ({
    ...{ name: `engine-${i}`, url, kvEvents, kvReplay },
  }));
  return serveProcess(
    t,
    JSON.stringify({
      listen: { host: '127.0.0.1', adminHost: '127.0.0.1', ...place },
      models: [
        {
          ...{ name: TEST_MODEL, hashSeed: '42', ...QUICK_TOKENIZER.model },
          endpoints: { static: endpoints },
        },
      ],
      tokenizer: { threads: 1 },
      timeouts: { drainMs: 2000 },
      ...keys,
    }),
    { environment: { WARMPATH_ADMIN_KEY: ADMIN_KEY } },
  );
}

/** Tokens of the prompt of a request: a known beginning, and one block nobody has seen. */
let serial = 0;
function tokensOf(prompt: number): number[] {
  serial += 1;
  const known = Array.from(
    { length: PROMPT_TOKENS },
    (_, i) => 1 + ((prompt * 1009 + i * 7) % 250),
  );
  return [...known, ...Array.from({ length: BLOCK }, (_, i) => (serial * 31 + i * serial) % 250)];
}

interface Hits {
  prompt: number;
  cached: number;
}

async function ask(url: string, prompt: number): Promise<Hits> {
  const { status, body, text } = await post(`${url}/v1/completions`, {
    ...{ model: TEST_MODEL, prompt: tokensOf(prompt), max_tokens: 1 },
  });
  if (status !== 200) throw new Error(`answer ${status}: ${text}`);
  const { prompt_tokens, prompt_tokens_details } = body.usage;
  return { prompt: prompt_tokens, cached: prompt_tokens_details?.cached_tokens ?? 0 };
}

/** Asks until `over`, and adds up what came. */
async function load(url: string, over: () => boolean): Promise<number> {
  const sum: Hits = { prompt: 0, cached: 0 };
  for (let next = 0; !over(); next += 1) {
    const { prompt, cached } = await ask(url, (next * 7) % PROMPTS);
    sum.prompt += prompt;
    sum.cached += cached;
    await delay(2);
  }
  return sum.cached / sum.prompt;
}

const KEY_SHOWN = { authorization: `Bearer ${ADMIN_KEY}` };

async function allExact({ adminPort }: Place): Promise<boolean> {
  const { body } = await get(`http://127.0.0.1:${adminPort}/endpoints`, KEY_SHOWN);
  return body.every(({ trust }: { trust: string }) => trust === 'exact');
}

/** The log may come later than the line that says `ready`. */
async function saying({ lines }: RouterProcess, message: string) {
  const find = () => lines().find((line) => line['msg'] === message || line['message'] === message);
  await waitFor(message, () => find() !== undefined);
  return find();
}

test('a router killed under load is back within 2 % of its peer in 5 s', async (t) => {
  const sims = await startSims(t, 8, SIM);
  const places = [await placeOf(), await placeOf()] as const;
  const peersOf = ({ adminPort }: Place) => ({ peers: [`http://127.0.0.1:${adminPort}`] });
  const first = serve(t, sims, places[0], peersOf(places[1]));
  const second = serve(t, sims, places[1], peersOf(places[0]));
  const [url, victimUrl] = await Promise.all([first.ready, second.ready]);
  for (let round = 0; round < 3; round += 1) {
    for (let prompt = 0; prompt < PROMPTS; prompt += 1) await ask(url, prompt);
  }
  await waitFor('exact trust', async () => (await allExact(places[0])) && allExact(places[1]));

  let over = false;
  const steady = load(url, () => over);
  const doomed = load(victimUrl, () => false).catch(() => 'killed');
  await delay(300);
  second.child.kill('SIGKILL');
  assert.equal(await doomed, 'killed');
  const again = serve(t, sims, places[1], peersOf(places[0]));
  const againUrl = await again.ready;
  const taken = await saying(again, 'prefix index taken over');
  assert.equal(taken?.['endpoints'], 8, JSON.stringify(again.lines()));

  const deadline = performance.now() + WITHIN_MS;
  // Whatever it answers from its first moment on counts.
  const ratio = await load(againUrl, () => performance.now() > deadline);
  over = true;
  const peerRatio = await steady;
  t.diagnostic(`hit ratio ${ratio.toFixed(4)}, of its peer ${peerRatio.toFixed(4)}`);
  assert.ok(peerRatio > 0.9, `the peer's hit ratio is ${peerRatio}`);
  assert.ok(ratio > peerRatio - 0.02, `hit ratio ${ratio}, of its peer ${peerRatio}`);
  await waitFor('exact trust', () => allExact(places[1]));
});

test('a router that stops in order and starts again knows what it knew', async (t) => {
  const sims = await startSims(t, 2, SIM);
  const stateDir = temporaryFolder();
  const place = await placeOf();
  const first = serve(t, sims, place, { stateDir });
  const url = await first.ready;
  for (let round = 0; round < 2; round += 1) {
    for (let prompt = 0; prompt < PROMPTS; prompt += 1) await ask(url, prompt);
  }
  await waitFor('exact trust', () => allExact(place));
  first.child.kill('SIGTERM');
  assert.equal((await first.ended).code, 0);
  await saying(first, 'prefix index written');

  const second = serve(t, sims, place, { stateDir });
  const againUrl = await second.ready;
  const taken = await saying(second, 'prefix index taken over');
  assert.equal(taken?.['endpoints'], 2, JSON.stringify(second.lines()));
  await waitFor('exact trust', () => allExact(place));
  const deadline = performance.now() + 1000;
  const ratio = await load(againUrl, () => performance.now() > deadline);
  assert.ok(ratio > 0.9, `hit ratio ${ratio}`);
});

test('a damaged snapshot is refused with its reason, and the router starts cold', async (t) => {
  const sims = await startSims(t, 1, SIM);
  const stateDir = temporaryFolder();
  const place = await placeOf();
  const first = serve(t, sims, place, { stateDir });
  const url = await first.ready;
  for (let prompt = 0; prompt < PROMPTS; prompt += 1) await ask(url, prompt);
  await waitFor('exact trust', () => allExact(place));
  first.child.kill('SIGTERM');
  await first.ended;
  const file = join(stateDir, 'index.snapshot');
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.subarray(0, bytes.length - 20));

  const second = serve(t, sims, place, { stateDir });
  const againUrl = await second.ready;
  const refused = await saying(second, 'prefix index not taken over');
  assert.match(String(refused?.['reason']), /it is cut off in frame/);
  await saying(second, 'cold start: the prefix index begins empty');
  const { prompt } = await ask(againUrl, 0);
  assert.equal(prompt, PROMPT_TOKENS + BLOCK);
});

test('a state folder that cannot be written to is found at the start', async (t) => {
  const sims = await startSims(t, 1, SIM);
  const place = await placeOf();
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const router = serve(t, sims, place, { stateDir: join(file, 'state') });
  router.ready.catch(() => {});
  const { code, stderr } = await router.ended;
  assert.equal(code, 2);
  assert.match(stderr, /stateDir: nothing can be written to .*name a folder that this user owns/);
});

test('who only looks at the fleet leaves the snapshot of the router alone', async (t) => {
  const sims = await startSims(t, 1, SIM);
  const stateDir = temporaryFolder();
  const endpoints = {
    static: sims.map(({ url, kvEvents, kvReplay }) => ({ url, kvEvents, kvReplay })),
  };
  const model = { name: TEST_MODEL, ...QUICK_TOKENIZER.model, endpoints };
  const { config } = parseConfig(JSON.stringify({ models: [model], stateDir }), 'test.yaml');
  await examineFleet(config, false);
  assert.ok(!existsSync(join(stateDir, 'index.snapshot')));
});
