// The command as a whole: what `bench fleet` prints and writes is made of its seed and nothing else.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { BenchOptions } from '../../bench/bench-options.js';
import { run } from '../../bench/fleet.bench.js';

const OPTIONS: BenchOptions = {
  ...{
    json: true,
    trace: null,
    workload: 'gsp,bursts',
    policy: 'approximate,dynamo,warmpath',
    arm: 'none,replicas-2',
  },
  ...{ load: '0.5', engines: 3, kvTokens: 60_000, timing: null, blockSize: 16 },
  ...{ generatedBlocks: null, timeScale: null, closed: false, eventDelayMs: 50 },
  ...{ scrapeIntervalMs: 1000, seed: 9, requests: 150, target: null, model: null, apiKey: null },
  ...{ vocabulary: 30_000, report: null, from: null, command: 'a test' },
};

async function made(changes: Partial<BenchOptions> = {}) {
  const report = path.join(mkdtempSync(path.join(tmpdir(), 'fleet-')), 'report.html');
  const rows = await run({ ...OPTIONS, report, ...changes });
  return { rows, bytes: JSON.stringify(rows), page: readFileSync(report, 'utf8') };
}

test('the same command makes the same bytes, another seed makes others', async () => {
  const [first, second] = [await made(), await made()];
  assert.equal(first.rows.length, 2 * 2 * 3);
  assert.equal(second.bytes, first.bytes);
  assert.equal(second.page, first.page);
  const other = await made({ seed: 10, policy: 'warmpath' });
  const same = first.rows.filter(({ name }) => other.rows.some((row) => row.name === name));
  assert.equal(same.length, 4);
  assert.notDeepEqual(other.rows, same);
});

test('what only simulated engines have does not go together with a target', async () => {
  const target = { target: 'http://127.0.0.1:1', policy: null, engines: null, kvTokens: null };
  await assert.rejects(run({ ...OPTIONS, ...target }), /--arm is about simulated engines/);
  await assert.rejects(
    run({ ...OPTIONS, ...target, arm: 'none', report: 'x.html' }),
    /--report is about simulated engines/,
  );
});
