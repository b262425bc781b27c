// The report of `bench fleet`: one HTML page that needs nothing from anywhere.
import type { FleetRow } from '../result-row.js';
import { htmlTable } from '../result-table.js';
import { type Bar, barChart } from './bar-chart.js';
import { gatesOf } from './gates.js';
import { loadChart } from './load-chart.js';
import { STYLE } from './report-style.js';
import { escaped, KNEE_FACTOR, seconds } from './svg-text.js';
import { OURS, takeaway } from './takeaway.js';

export interface ReportSource {
  readonly rows: readonly FleetRow[];
  /** Policy name to its formula. */
  readonly policies: ReadonlyMap<string, string>;
  /** What was run, where, at which commit. */
  readonly made: readonly string[];
}

const UNDISTURBED = 'none';

export function htmlReport({ rows, policies, made }: ReportSource): string {
  const plain = rows.filter(({ arm }) => arm === UNDISTURBED);
  const disturbed = rows.filter(({ arm }) => arm !== UNDISTURBED);
  const used = [...new Set(rows.map(({ policy }) => policy))];
  const formulas = used.map((name) => {
    return `<tr class="${name === OURS ? 'ours' : ''}"><td>${escaped(name)}</td><td class="about">${escaped(policies.get(name) ?? '')}</td></tr>`;
  });
  const body = [
    '<h1>Routing policies on simulated fleets</h1>',
    `<p>Which engine should get a request? Each policy below decides for the same requests in front of the same simulated vLLM engines. Sending a prompt to an engine that holds its beginning in KV cache saves computing it; sending it to a busy engine makes it wait. The time until the first token (TTFT) shows how well a policy weighs the two.</p>`,
    `<p class="quiet">Simulated, in virtual time: no GPU was measured, and times hold no cost of the router itself. Engines batch, chunk prefills, evict and preempt as vLLM does; their step times follow the timing model that is named. Times are in seconds. The time to a first chunk and to a first visible token are the same here. Hit: prompt tokens found in a cache. Imbalance: busy time of the busiest engine over the mean. A run with preemptions of more than 5 % of its requests is overload and compares nothing.</p>`,
    ...groups(plain, ({ workload }) => workload).map(workloadSection),
    ...(disturbed.length === 0
      ? []
      : [
          '<h2>When something happens to the fleet</h2>',
          '<p>On undisturbed runs, guessing what engines hold from what was sent to them does about as well as knowing it. Here much of it is lost.</p>',
          ...groups(disturbed, ({ workload, load }) => `${workload}@${load}`).map((own) =>
            armSection(own, plain),
          ),
        ]),
    gateSection(rows),
    '<h2>The policies</h2>',
    `<div class="scroll"><table>${formulas.join('')}</table></div>`,
    '<h2>How this was made</h2>',
    ...made.map((line) => `<p class="quiet"><code>${escaped(line)}</code></p>`),
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Warmpath: routing policies on simulated fleets</title><style>${STYLE}</style></head><body>${body.join('\n')}</body></html>\n`;
}

function workloadSection(rows: readonly FleetRow[]): string {
  const loads = groups(rows, ({ load }) => String(load));
  const main = loads.find(([row]) => row?.load === 1) ?? loads[0] ?? [];
  const [first] = main;
  if (first === undefined) return '';
  const tables = loads.map((own) => {
    const load = own[0]?.load ?? 1;
    return `<details${load === first.load ? ' open' : ''}><summary>All numbers at load ${load}: ${escaped(own[0]?.about ?? '')}</summary>${htmlTable(own, OURS)}</details>`;
  });
  return [
    `<h2>${escaped(first.workload)}</h2>`,
    `<p class="quiet">${escaped(first.about)}</p>`,
    `<p>${escaped(takeaway(main))}</p>`,
    `<div class="charts">${charts(main)}${loads.length > 1 ? overLoads(first.workload, rows) : ''}</div>`,
    ...tables,
  ].join('\n');
}

function charts(rows: readonly FleetRow[]): string {
  const bars = (value: (row: FleetRow) => number, text: (value: number) => string): Bar[] =>
    rows.map((row) => ({
      label: row.policy,
      value: value(row),
      text: text(value(row)),
      isOurs: row.policy === OURS,
    }));
  const time = bars(({ ttft_p90 }) => ttft_p90, seconds);
  const hits = bars(
    ({ hit_ratio }) => hit_ratio,
    (hit) => hit.toFixed(3),
  );
  return (
    barChart('Time to first token, 90th percentile, s: shorter is better', time) +
    barChart(`Hit ratio: longer is better; ideal ${rows[0]?.ideal_hit.toFixed(3)}`, hits)
  );
}

function overLoads(workload: string, rows: readonly FleetRow[]): string {
  const lines = groups(rows, ({ policy }) => policy).map((own) => ({
    label: own[0]?.policy ?? '',
    points: own
      .map(({ load, ttft_p90 }) => [load, ttft_p90] as const)
      .sort(([one], [other]) => one - other),
    isOurs: own[0]?.policy === OURS,
  }));
  return loadChart(`${workload}: time to first token, 90th percentile, over load`, lines);
}

/** A line a policy, two columns an arm. */
function armSection(rows: readonly FleetRow[], plain: readonly FleetRow[]): string {
  const [first] = rows;
  if (first === undefined) return '';
  const undisturbed = plain.filter(
    ({ workload, load }) => workload === first.workload && load === first.load,
  );
  const all = [...undisturbed, ...rows];
  const arms = [...new Set(all.map(({ arm }) => arm))];
  const policies = [...new Set(rows.map(({ policy }) => policy))];
  const head = arms.map(
    (arm) => `<th colspan="2">${arm === UNDISTURBED ? 'undisturbed' : arm}</th>`,
  );
  const units = arms.map(() => '<th>p90 s</th><th>hit</th>');
  const lines = policies.map((policy) => {
    const cells = arms.map((arm) => {
      const row = all.find((one) => one.policy === policy && one.arm === arm);
      if (row === undefined) return '<td></td><td></td>';
      return `<td>${seconds(row.ttft_p90)}</td><td>${row.hit_ratio.toFixed(3)}</td>`;
    });
    return `<tr class="${policy === OURS ? 'ours' : ''}"><td>${escaped(policy)}</td>${cells.join('')}</tr>`;
  });
  const about = groups(rows, ({ arm }) => arm).map(([row]) => {
    return `<b>${row?.arm}</b>: ${escaped(row?.armAbout ?? '')}. ${escaped(armTakeaway(rows, row?.arm ?? ''))}`;
  });
  return [
    `<h3>${escaped(first.workload)}${first.load === 1 ? '' : ` at ${first.load} of its load`}</h3>`,
    `<div class="scroll"><table><tr><th></th>${head.join('')}</tr><tr><th>policy</th>${units.join('')}</tr>${lines.join('')}</table></div>`,
    ...about.map((text) => `<p class="quiet">${text}</p>`),
  ].join('\n');
}

function gateSection(rows: readonly FleetRow[]): string {
  const gates = gatesOf(rows);
  if (gates.length === 0) return '';
  const lines = gates.map(({ says, measured, met }) => {
    return `<tr class="${met ? '' : 'missed'}"><td class="about">${escaped(says)}</td><td>${escaped(measured)}</td><td>${met ? 'met' : 'missed'}</td></tr>`;
  });
  const missed = gates.filter(({ met }) => !met).length;
  return [
    '<h2>What was promised</h2>',
    `<p>${gates.length - missed} of ${gates.length} gates are met${missed === 0 ? '' : `, ${missed} missed`}.</p>`,
    `<div class="scroll"><table><tr><th>gate</th><th>measured</th><th></th></tr>${lines.join('')}</table></div>`,
  ].join('\n');
}

/** Against the policies that guess. */
function armTakeaway(rows: readonly FleetRow[], arm: string): string {
  const of = (policy: string) => rows.find((row) => row.arm === arm && row.policy === policy);
  const ours = of(OURS);
  const guesses = ['approximate', 'approximate-tuned', 'cache-aware']
    .map(of)
    .filter((row) => row !== undefined);
  if (ours === undefined || guesses.length === 0) return '';
  const best = Math.min(...guesses.map(({ ttft_p90 }) => ttft_p90));
  const ratio = best / ours.ttft_p90;
  if (ratio >= KNEE_FACTOR) return 'The policies that guess are past their knee here.';
  const said = ratio >= 1 ? `${ratio.toFixed(1)} times` : `only ${ratio.toFixed(2)} times`;
  return `The best guess takes ${said} as long as ${OURS} (p90).`;
}

function groups(
  rows: readonly FleetRow[],
  key: (row: FleetRow) => string,
): readonly (readonly FleetRow[])[] {
  const found = new Map<string, FleetRow[]>();
  for (const row of rows) {
    const own = found.get(key(row));
    if (own === undefined) found.set(key(row), [row]);
    else own.push(row);
  }
  return [...found.values()];
}
