import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { gatesOf } from '../../bench/fleet/report/gates.js';
import { htmlReport } from '../../bench/fleet/report/html-report.js';
import { type FleetRow, fleetRow } from '../../bench/fleet/result-row.js';
import { savedResults } from '../../bench/fleet/saved-results.js';

const row = (policy: string, load: number, arm: string, p90: number) =>
  fleetRow(
    `chats@${load}+${arm}/${policy}`,
    { workload: 'chats', policy, load, arm, armAbout: '<four> routers', about: 'a & b' },
    {
      requests: 100,
      hitRatio: 0.5,
      ...{ ttftMean: p90 / 2, ttftP50: p90 / 3, ttftP90: p90, ttftP99: p90 * 2 },
      ...{ itlMean: 0.01, itlP50: 0.01, itlP99: 0.02, e2eMean: 1 },
      outputTokensPerSecond: 900,
      ...{ rejects: 0, failures: 0, preemptions: 0, imbalance: 1, makespan: 60 },
    },
    { idealHit: 0.6, lruHit: 0.55 },
  );

const ROWS = [
  ...[0.5, 1].flatMap((load) => [row('load', load, 'none', 4), row('warmpath', load, 'none', 0.5)]),
  row('approximate', 1, 'replicas-4', 3),
  row('warmpath', 1, 'replicas-4', 0.5),
];
const page = htmlReport({
  rows: ROWS,
  policies: new Map([['warmpath', 'a formula < another']]),
  made: ['npm run bench'],
});

test('the report asks nothing of anywhere and runs no script', () => {
  assert.doesNotMatch(page, /https?:|<script|<link|<img|@import|url\(/);
});

test('text from outside cannot become markup', () => {
  assert.ok(page.includes('&#60;four&#62; routers') && page.includes('a &#38; b'));
  assert.ok(!page.includes('<four>'));
});

test('the report says in words what the numbers say', () => {
  assert.match(page, /after 0\.500 s or less for nine of ten requests, against 4\.00 s/);
  assert.match(page, /\(8\.0 times shorter\)/);
  assert.match(page, /The best guess takes 6\.0 times as long as warmpath/);
});

test('gates are judged from the rows, and a missed one is said', () => {
  const workload = (row: FleetRow, name: string): FleetRow => ({ ...row, workload: name });
  const rows = [
    ...[row('load', 1, 'none', 2), row('precise', 1, 'none', 1.1), row('warmpath', 1, 'none', 1)],
    ...[
      row('warmpath', 1, 'replicas-4', 1),
      { ...row('approximate', 1, 'replicas-4', 1.4), hit_ratio: 0.2 },
    ],
  ].map((one) => workload(one, 'w2'));
  const gates = gatesOf(rows);
  const verdicts = gates.map(({ says, met }) => [met, says.replace(/ \(.*/, '')]);
  assert.deepEqual(verdicts, [
    [true, 'w2: hit ratio at least 0.249'],
    [true, "w2: p90 of precise at most 0.8 of load-only's"],
    [true, "w2: p90 of warmpath at most 0.5 of load-only's"],
    [true, "w2: imbalance below 1.5, mean below load-only's"],
    [true, 'no policy better by more than 5 %, mean and p90, at any workload and load'],
    [true, "w2, replicas-4: hit ratio at least 0.95 of one undisturbed precise router's"],
    [false, 'w2, replicas-4: approximate, which lost knowledge'],
  ]);
  const beaten = gatesOf([...rows, workload(row('session', 1, 'none', 0.9), 'w2')]);
  assert.match(
    beaten.find(({ met }) => !met)?.measured ?? '',
    /worst 1\.111: mean of session on w2/,
  );
  const shown = htmlReport({ rows, policies: new Map(), made: [] });
  assert.match(shown, /6 of 7 gates are met, 1 missed/);
});

test('saved results make the same report, the last of equal names counts', () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'report-')), 'saved.json');
  const results = [{ ...ROWS[0], ttft_p90: 99 }, ...ROWS];
  writeFileSync(file, JSON.stringify({ command: 'x', machine: 'm', commit: 'c', results }));
  const { rows, made } = savedResults(file);
  assert.deepEqual(rows, ROWS);
  assert.deepEqual(made, ['x (m, commit c)']);
  writeFileSync(file, '{"results":[{"name":"decide"}]}');
  assert.throws(() => savedResults(file), /saved\.json is not what/);
});
