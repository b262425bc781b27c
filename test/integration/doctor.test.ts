// The doctor against simulated fleets: a right one is found right, and each fault alone is named alone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitingPublisher } from '../../src/doctor/event-survey.js';
import { freePort } from '../../src/sim/free-port.js';
import type { SimEngine } from '../../src/sim/sim-engine.js';
import { FAULTS } from '../support/doctor-faults.js';
import { configText, examine, MODEL, onlyWrong, SIM, statusOf } from '../support/doctor-scene.js';
import { startSim } from '../support/sim-engine.js';
import { temporaryFolder } from '../support/temporary-folder.js';

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
