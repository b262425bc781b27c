// Several routers and engines, each with an address of its own: replicas come and go, an engine is cut off
// and returns, and requests go on.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { get, post } from '../support/openai-client.js';
import { isInNetwork, runInNetwork, type TestHost, TestNetwork } from '../support/test-network.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';
import { waitFor } from '../support/wait-for.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const MODEL = 'tiny';
const START_MS = 30_000;
/** So that nobody who is refused asks a thousand times a second. */
const FAILED_PAUSE_MS = 50;

/** Resolves with the ready line of a command. */
async function ready(child: ChildProcess): Promise<void> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text;
  });
  child.stderr?.on('data', (text: Buffer) => {
    stderr = `${stderr}${text}`.slice(-2000);
  });
  await waitFor(
    'a ready line',
    () => {
      assert.equal(child.exitCode, null, stderr);
      return stdout.includes('ready ');
    },
    START_MS,
  );
}

interface Router {
  readonly url: string;
  readonly adminUrl: string;
  readonly child: ChildProcess;
}

function stage(t: TestContext, engines: readonly TestHost[], routers: readonly TestHost[]) {
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-replicas-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const tokenizer = tinyTokenizerFolder({});
  const config = join(folder, 'warmpath.yaml');
  const endpoints = engines.map(({ address }, i) => ({
    name: `e${i}`,
    url: `http://${address}:8000`,
    kvEvents: `tcp://${address}:5557`,
    kvReplay: `tcp://${address}:5567`,
  }));
  writeFileSync(
    config,
    JSON.stringify({
      listen: { adminHost: '0.0.0.0' },
      peers: routers.map(({ address }) => `http://${address}:9090`),
      models: [{ name: MODEL, tokenizer, hashSeed: '42', endpoints: { static: endpoints } }],
      timeouts: { connectMs: 500, firstByteMs: 3000 },
      monitor: {
        metricsIntervalMs: 100,
        healthIntervalMs: 100,
        timeoutMs: 500,
        failuresToUnhealthy: 2,
      },
      tokenizer: { threads: 1 },
      log: { level: 'error' },
    }),
  );
  const engine = (host: TestHost) => {
    const flags = ['--model', MODEL, '--tokenizer', tokenizer, '--hash-seed', '42'];
    const events = ['--kv-events', 'tcp://*:5557', '--kv-replay', 'tcp://*:5567'];
    const timing = ['--timing', 'qwen2.5-7b-h100', '--speedup', '10', '--log-level', 'error'];
    return ready(host.spawn(process.execPath, [MAIN, 'sim', ...flags, ...events, ...timing]));
  };
  const router = async (host: TestHost): Promise<Router> => {
    const child = host.spawn(process.execPath, [MAIN, 'serve', '--config', config]);
    await ready(child);
    const at = `http://${host.address}`;
    return { url: `${at}:8080`, adminUrl: `${at}:9090`, child };
  };
  return { engine, router };
}

/** Clients behind a Service: each request goes to one of the replicas that are in it. */
function startLoad(t: TestContext, replicas: Router[], clients: number) {
  const failures: { readonly startMs: number; readonly what: string }[] = [];
  const served = new Map<string, number>();
  let loading = true;
  let sent = 0;
  const client = async () => {
    while (loading) {
      sent += 1;
      const replica = replicas[sent % replicas.length];
      if (replica === undefined) throw new Error('no replica is left');
      const prompt = Array.from({ length: 64 }, (_, i) => ((sent % 5) * 64 + i) % 11);
      const startMs = performance.now();
      try {
        const body = { model: MODEL, prompt, max_tokens: 6 };
        const { status, headers, text } = await post(`${replica.url}/v1/completions`, body);
        const key = `${replica.url} ${String(headers['x-warmpath-endpoint'])}`;
        served.set(key, (served.get(key) ?? 0) + 1);
        if (status !== 200) failures.push({ startMs, what: `${status} ${text}` });
      } catch (failure) {
        failures.push({ startMs, what: String(failure) });
        await delay(FAILED_PAUSE_MS);
      }
    }
  };
  const running = Array.from({ length: clients }, client);
  t.after(() => {
    loading = false;
  });
  return {
    failures,
    get sent() {
      return sent;
    },
    /** Requests answered by a replica, or by an engine, or all. */
    answered: (part = '') =>
      [...served].reduce((sum, [key, count]) => sum + (key.includes(part) ? count : 0), 0),
    stop: async () => {
      loading = false;
      await Promise.all(running);
    },
  };
}

test('replicas join and leave, an engine is cut off and returns, and requests go on', async (t) => {
  if (!isInNetwork) return await runInNetwork(t, fileURLToPath(import.meta.url));
  const network = new TestNetwork(t);
  const hosts = [network.host(), network.host(), network.host()];
  const places: readonly [TestHost, TestHost] = [network.host(), network.host()];
  const { engine, router } = stage(t, hosts, places);
  const [first] = await Promise.all([router(places[0]), ...hosts.map(engine)]);
  const replicas = [first];
  const load = startLoad(t, replicas, 6);
  const more = async (what: string, part: string, count: number) => {
    const then = load.answered(part);
    await waitFor(what, () => load.answered(part) >= then + count, START_MS);
  };
  await more('load', '', 60);

  const second = await router(places[1]);
  replicas.push(second);
  await more('load on the new replica', second.url, 60);
  const trusts = async () => {
    const { body } = await get(`${second.adminUrl}/endpoints`);
    return body.map(({ trust }: { trust: string }) => trust).join(' ');
  };
  const learned = 'a replica that learned from the running engines';
  await waitFor(learned, async () => (await trusts()) === 'exact exact exact', START_MS);

  // Out of the Service first, then told to end: as a pod is.
  replicas.splice(0, 1);
  first.child.kill('SIGTERM');
  await waitFor('the end of the first replica', () => first.child.exitCode !== null, START_MS);
  assert.equal(first.child.exitCode, 0);
  await more('load on the other', second.url, 60);
  assert.deepEqual(load.failures, []);

  const [cut] = hosts;
  assert.ok(cut !== undefined);
  cut.cut();
  const cutMs = performance.now();
  const health = async () => {
    const { body } = await get(`${second.adminUrl}/endpoints`);
    return body[0].healthy === true;
  };
  await waitFor('the cut engine to be out', async () => !(await health()), START_MS);
  const outMs = performance.now();
  t.diagnostic(`told: out ${Math.round(outMs - cutMs)} ms after the cut`);
  await more('load on the other two', '', 120);
  cut.mend();
  await waitFor('the engine to be back', health, START_MS);
  await more('load on it again', ' e0', 20);
  await load.stop();
  // What was on its way to the engine when its cable went may be lost, nothing after it was out.
  const late = load.failures.filter(({ startMs }) => startMs > outMs);
  assert.deepEqual(late, []);
  assert.ok(load.failures.length <= 12, JSON.stringify(load.failures));
  t.diagnostic(`told: ${load.sent} requests, ${load.failures.length} lost in the cut`);
});
