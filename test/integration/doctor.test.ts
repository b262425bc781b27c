// The doctor against simulated fleets: a right one is found right, and each fault alone is named alone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { examineFleet } from '../../src/cli/doctor.js';
import { parseConfig } from '../../src/config/config.js';
import { waitingPublisher } from '../../src/doctor/event-survey.js';
import type { CheckName, Finding } from '../../src/doctor/finding.js';
import { setLogLevel } from '../../src/log.js';
import { freePort } from '../../src/sim/free-port.js';
import { loadPromptEncoder } from '../../src/sim/model-encoder.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import type { SimOptions } from '../../src/sim/sim-options.js';
import { byteEncoder } from '../support/byte-encoder.js';
import { startSim } from '../support/sim-engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { tinyTokenizerFolder } from '../support/tiny-tokenizer.js';

const MODEL = 'org/model';
const CHAT_TEMPLATE = '{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}';
const tokenizer = tinyTokenizerFolder({ config: { chat_template: CHAT_TEMPLATE } });
const encoder = await loadPromptEncoder(tokenizer);
const SIM: Partial<SimOptions> = { encoder, model: MODEL, hashSeed: '42' };

type Keys = Readonly<Record<string, unknown>>;

interface Described {
  readonly endpoint?: Keys;
  readonly model?: Keys;
  readonly top?: Keys;
}

function configText(
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

async function examine(
  sim: Pick<SimEngine, 'url' | 'kvEvents' | 'kvReplay'>,
  change: Described = {},
  probes = true,
): Promise<readonly Finding[]> {
  setLogLevel('error');
  return examineFleet(parseConfig(configText(sim, change), 'doctor.yaml').config, probes);
}

/** Exactly this is wrong. */
function onlyWrong(findings: readonly Finding[], check: CheckName, message: RegExp): void {
  const wrong = findings.filter(({ status }) => status === 'wrong');
  assert.deepEqual(
    wrong.map((finding) => finding.check),
    [check],
    JSON.stringify(wrong, null, 1),
  );
  assert.match(wrong[0]?.message ?? '', message);
  assert.ok((wrong[0]?.cure ?? '').length > 0);
}

function statusOf(findings: readonly Finding[], check: CheckName): string | undefined {
  return findings.find((finding) => finding.check === check)?.status;
}

interface Fault {
  readonly what: string;
  readonly sim?: Partial<SimOptions>;
  readonly change?: (sim: SimEngine) => Described | Promise<Described>;
  readonly break?: (sim: SimEngine) => void;
  readonly check: CheckName;
  readonly message: RegExp;
}

const faultsOf = (sim: SimEngine) => {
  assert.ok(sim.eventFaults !== null);
  return sim.eventFaults;
};

const FAULTS: readonly Fault[] = [
  {
    what: 'events off',
    sim: { kvEvents: null },
    change: async () => ({
      endpoint: { kvEvents: `tcp://127.0.0.1:${await freePort('127.0.0.1')}` },
    }),
    check: 'events',
    message: /nothing listens at tcp:.*KV events are off/,
  },
  {
    what: 'no event address at all',
    sim: { kvEvents: null },
    check: 'events',
    message: /no event address is configured/,
  },
  {
    what: 'a publisher that publishes nothing',
    break: (sim) => Object.assign(faultsOf(sim), { silent: true, replaySilent: true }),
    check: 'events',
    message: /a new prompt caused no event/,
  },
  {
    what: 'event and replay address swapped',
    change: ({ kvEvents, kvReplay }) => ({ endpoint: { kvEvents: kvReplay, kvReplay: kvEvents } }),
    check: 'events',
    message: /is a ROUTER socket/,
  },
  {
    what: 'the HTTP port given as event address',
    change: ({ url }) => ({ endpoint: { kvEvents: url.replace('http', 'tcp') } }),
    check: 'events',
    message: /is no event publisher/,
  },
  {
    what: 'no replay address',
    change: () => ({ endpoint: { kvReplay: null } }),
    check: 'replay',
    message: /no replay address/,
  },
  {
    what: 'a replay socket that is not there',
    change: async () => ({
      endpoint: { kvReplay: `tcp://127.0.0.1:${await freePort('127.0.0.1')}` },
    }),
    check: 'replay',
    message: /nothing listens at/,
  },
  {
    what: 'a replay socket that does not answer',
    break: (sim) => Object.assign(faultsOf(sim), { replaySilent: true }),
    check: 'replay',
    message: /does not answer/,
  },
  {
    what: 'another algorithm',
    sim: { hashAlgorithm: 'xxhash_cbor' },
    change: () => ({ model: { hashAlgorithm: 'sha256' } }),
    check: 'algorithm',
    message: /hashes with xxhash_cbor, the configuration says sha256/,
  },
  {
    what: 'another seed, one that can be found',
    sim: { hashSeed: '0' },
    check: 'seed',
    message: /root is seed "0", the configuration says hashSeed "42"/,
  },
  {
    what: 'another seed, one that cannot be found',
    sim: { hashSeed: '987654321' },
    check: 'seed',
    message: /PYTHONHASHSEED is random or another one/,
  },
  {
    what: 'another block size',
    sim: { blockSizeTokens: 32 },
    change: () => ({ model: { blockSize: 16 } }),
    check: 'block-size',
    message: /blocks of 32 tokens, the configuration says 16/,
  },
  {
    what: 'another tokenizer',
    sim: { encoder: byteEncoder },
    check: 'tokenizer',
    message: /token 0 is \d+ for the engine and \d+ here/,
  },
  {
    what: 'another chat template',
    change: () => ({ model: { chatTemplate: `a b c ${CHAT_TEMPLATE}` } }),
    check: 'chat-template',
    message: /token \d+ is \d+ for the engine and \d+ here/,
  },
  {
    what: 'an engine that does not say its tokens, as tokenizer',
    change: () => ({ model: { tokenizer: 'engine' } }),
    break: ({ faults }) => {
      for (const path of ['/v1/completions/render', '/v1/chat/completions/render', '/tokenize']) {
        faults.paths.set(path, { status: 404, delayMs: 0 });
      }
    },
    check: 'tokenizer',
    message: /tokenizer: engine, but the engine does not say its tokens: \/tokenize answers 404/,
  },
  {
    what: 'prefix caching off',
    sim: { prefixCaching: false },
    check: 'prefix-caching',
    message: /is off/,
  },
  {
    what: "an engine's clock that is ahead",
    break: (sim) => Object.assign(faultsOf(sim), { clockOffsetMs: 60_000 }),
    check: 'clock',
    message: /60\.0 s ahead/,
  },
  {
    what: "an engine's clock that is behind",
    break: (sim) => Object.assign(faultsOf(sim), { clockOffsetMs: -5_000 }),
    check: 'clock',
    message: /5\.\d s behind/,
  },
  {
    what: 'an engine that is not there',
    change: async () => ({ endpoint: { url: `http://127.0.0.1:${await freePort('127.0.0.1')}` } }),
    check: 'http',
    message: /cannot be reached/,
  },
  {
    what: 'an engine that says it is not well',
    break: ({ faults }) => Object.assign(faults, { unhealthy: true }),
    check: 'http',
    message: /503/,
  },
  {
    what: "'@' in the model's name",
    sim: { model: 'org/model@v2' },
    change: () => ({ model: { name: 'org/model@v2' } }),
    check: 'model-name',
    message: /holds '@'/,
  },
  {
    what: 'a model that the engine serves under another name',
    change: () => ({ model: { name: 'org/other' } }),
    check: 'served-model',
    message: /serves org\/model, not org\/other/,
  },
  {
    what: 'an engine that fails requests',
    break: ({ faults }) => Object.assign(faults, { status: 500 }),
    check: 'probe',
    message: /refused with 500/,
  },
];

describe('doctor', { concurrency: 4 }, () => {
  test('a right fleet is found right', async (t: TestContext) => {
    const sim = await startSim(t, SIM);
    const findings = await examine(sim);
    const rest = findings.filter(({ status }) => status !== 'ok');
    assert.deepEqual(rest, []);
  });

  test('a right fleet whose engines are the tokenizer is found right', async (t: TestContext) => {
    const findings = await examine(await startSim(t, SIM), { model: { tokenizer: 'engine' } });
    assert.deepEqual(
      findings.filter(({ status }) => status !== 'ok'),
      [],
    );
  });

  for (const { what, sim: options, change, break: broken, check, message } of FAULTS) {
    test(`${what}: ${check}`, async (t: TestContext) => {
      const sim = await startSim(t, { ...SIM, ...options });
      broken?.(sim);
      onlyWrong(await examine(sim, await change?.(sim)), check, message);
    });
  }

  for (const [keys, check, message] of [
    [
      ['kvEvents', 'kvReplay'],
      'events',
      /what this engine stores is told at the event address of [ab]$/,
    ],
    [['kvEvents'], 'events', /what this engine stores is told at the event address of [ab]$/],
    [['kvReplay'], 'replay', /does not know what the engine has just told/],
  ] as const) {
    test(`${keys.join(' and ')} of two engines swapped: ${check} of both`, async (t: TestContext) => {
      const [a, b] = [await startSim(t, SIM), await startSim(t, SIM)];
      const entry = (name: string, own: SimEngine, other: SimEngine) => {
        const { url, kvEvents, kvReplay } = own;
        const theirs = Object.fromEntries(keys.map((key) => [key, other[key]]));
        return { name, url, kvEvents, kvReplay, ...theirs };
      };
      const endpoints = { static: [entry('a', a, b), entry('b', b, a)] };
      const wrong = (await examine(a, { model: { endpoints } })).filter(
        (finding) => finding.status === 'wrong',
      );
      assert.deepEqual(
        wrong.map((finding) => [finding.endpoint, finding.check]),
        ['a', 'b'].map((name) => [name, check]),
      );
      for (const finding of wrong) assert.match(finding.message, message);
    });
  }

  test('an engine that connects to us where it should wait: events', async (t: TestContext) => {
    const address = `tcp://127.0.0.1:${await freePort('127.0.0.1')}`;
    const sim = await startSim(t, { ...SIM, kvEvents: address });
    const findings = await examine(sim, { endpoint: { kvEvents: address } });
    onlyWrong(findings, 'events', /connects to us instead of waiting/);
  });

  test('engines that connect to us under their names are right', async (t: TestContext) => {
    const bind = `tcp://127.0.0.1:${await freePort('127.0.0.1')}`;
    const sim = await startSim(t, { ...SIM, kvEvents: bind, topic: `kv@a@${MODEL}` });
    const findings = await examine(sim, {
      endpoint: { kvEvents: null },
      top: { kvEvents: { bind } },
    });
    assert.deepEqual(
      findings.filter(({ status }) => status === 'wrong'),
      [],
    );
    assert.equal(statusOf(findings, 'topic'), 'ok');
  });

  for (const topic of [`kv@nobody@${MODEL}`, 'events']) {
    test(`events under the topic ${topic}: topic`, async (t: TestContext) => {
      const bind = `tcp://127.0.0.1:${await freePort('127.0.0.1')}`;
      const sim = await startSim(t, { ...SIM, kvEvents: bind, topic });
      const change = { endpoint: { kvEvents: null }, top: { kvEvents: { bind } } };
      const findings = await examine(sim, change);
      onlyWrong(findings, 'topic', new RegExp(topic));
      assert.match(findings.find(({ check }) => check === 'topic')?.cure ?? '', /kv@a@org\/model/);
    });
  }

  test('an address to bind that is taken: configuration', async (t: TestContext) => {
    const sim = await startSim(t, SIM);
    const change = { top: { kvEvents: { bind: sim.kvEvents } } };
    onlyWrong(await examine(sim, change), 'configuration', /cannot bind/);
  });

  test('a file that lists no endpoint, or is not there: discovery', async (t: TestContext) => {
    const sim = await startSim(t, SIM);
    const folder = temporaryFolder();
    const file = join(folder, 'endpoints.yaml');
    const found = () => examine(sim, { model: { endpoints: { file: { path: file } } } });
    onlyWrong(await found(), 'discovery', /file source of org\/model: .*endpoints\.yaml/);
    writeFileSync(file, JSON.stringify({ endpoints: [] }));
    onlyWrong(await found(), 'discovery', /there is no endpoint/);
    const { url, kvEvents, kvReplay } = sim;
    writeFileSync(file, JSON.stringify({ endpoints: [{ name: 'f', url, kvEvents, kvReplay }] }));
    const findings = await found();
    assert.ok(findings.every(({ status }) => status !== 'wrong'));
    assert.ok(findings.some(({ endpoint, check }) => endpoint === 'f' && check === 'events'));
  });

  test('a tokenizer folder that is not there: configuration', async (t: TestContext) => {
    const sim = await startSim(t, SIM);
    const findings = await examine(sim, { model: { tokenizer: '/nowhere' } });
    onlyWrong(findings, 'configuration', /\/nowhere/);
  });

  test('without a probe nothing is sent, and nothing is claimed', async (t: TestContext) => {
    const sim = await startSim(t, SIM);
    const findings = await examine(sim, {}, false);
    assert.equal(sim.stats.steps, 0);
    assert.equal(statusOf(findings, 'probe'), 'unknown');
    assert.equal(statusOf(findings, 'seed'), 'unknown');
    assert.ok(findings.every(({ status }) => status !== 'wrong'));
  });

  test('a seed found by trying is a warning, as are cached tokens not told', async (t: TestContext) => {
    const sim = await startSim(t, { ...SIM, reportsCachedTokens: false });
    const findings = await examine(sim, { model: { hashSeed: null } });
    assert.equal(statusOf(findings, 'seed'), 'warning');
    assert.equal(statusOf(findings, 'cached-tokens'), 'warning');
    assert.ok(findings.every(({ status }) => status !== 'wrong'));
  });

  test('a publisher that waits where we wait as well is found on its host', async (t: TestContext) => {
    const sim = await startSim(t, SIM);
    const bind = `tcp://*:${sim.kvEvents?.split(':').at(-1)}`;
    const endpoint = { ...{ name: 'a', url: sim.url }, kvEvents: null, kvReplay: null };
    const at = await waitingPublisher({ ...endpoint, dataParallelRank: null }, bind, 1000);
    assert.equal(at, sim.kvEvents);
  });
});

test('the command prints a table or JSON, and its exit code tells', async (t: TestContext) => {
  const sim = await startSim(t, SIM);
  const folder = temporaryFolder();
  const file = join(folder, 'warmpath.yaml');
  writeFileSync(file, configText(sim, {}));
  const right = await run('doctor', '--config', file);
  assert.equal(right.code, 0, right.stdout + right.stderr);
  assert.match(right.stdout, /^endpoint +check +result +what\n/);
  assert.match(right.stdout, /^a +events +ok +connected to tcp:/m);
  assert.match(right.stdout, /Nothing is wrong/);
  writeFileSync(file, configText(sim, { model: { blockSize: 64 } }));
  const wrong = await run('doctor', '--config', file, '--json', '--no-probe');
  assert.equal(wrong.code, 1);
  const { ok, findings } = JSON.parse(wrong.stdout);
  assert.equal(ok, false);
  onlyWrong(findings, 'block-size', /blocks of 16 tokens, the configuration says 64/);
});

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}
