// The table of `bench fleet`: one block for each workload, one line for each policy.
import type { FleetRow } from './result-row.js';

const COLUMNS: readonly (readonly [
  title: string,
  width: number,
  cell: (row: FleetRow) => string,
])[] = [
  ['hit', 6, (row) => row.hit_ratio.toFixed(3)],
  ['/ideal', 7, (row) => share(row.hit_ratio, row.ideal_hit)],
  ['TTFT mean', 11, (row) => seconds(row.ttft_mean)],
  ['p50', 8, (row) => seconds(row.ttft_p50)],
  ['p90', 8, (row) => seconds(row.ttft_p90)],
  ['p99', 8, (row) => seconds(row.ttft_p99)],
  ['ITL p50 ms', 11, (row) => (row.itl_p50 * 1000).toFixed(1)],
  ['p99', 7, (row) => (row.itl_p99 * 1000).toFixed(0)],
  ['E2E', 8, (row) => seconds(row.e2e_mean)],
  ['tok/s', 7, (row) => row.output_tokens_per_s.toFixed(0)],
  ['imbal.', 7, (row) => row.imbalance.toFixed(2)],
  ['rejects', 8, (row) => String(row.rejects + row.failures)],
  ['preempt.', 9, (row) => String(row.preemptions)],
];
const NAME_WIDTH = 19;

export function tableHead(title: string, about: readonly string[]): string {
  const titles = COLUMNS.map(([name, width]) => name.padStart(width)).join('');
  return [`\n${title}: ${about.join('; ')}`, `${'policy'.padEnd(NAME_WIDTH)}${titles}`, ''].join(
    '\n',
  );
}

export function tableLine(policy: string, row: FleetRow): string {
  const cells = COLUMNS.map(([, width, cell]) => cell(row).padStart(width)).join('');
  return `${policy.padEnd(NAME_WIDTH)}${cells}\n`;
}

/** The same for a page; the row of `ours` stands out. */
export function htmlTable(rows: readonly FleetRow[], ours: string): string {
  const titles = ['policy', ...COLUMNS.map(([title]) => title)].map((title) => `<th>${title}</th>`);
  const lines = rows.map((row) => {
    const cells = COLUMNS.map(([, , cell]) => `<td>${cell(row)}</td>`);
    return `<tr class="${row.policy === ours ? 'ours' : ''}"><td>${row.policy}</td>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table><tr>${titles.join('')}</tr>${lines.join('')}</table></div>`;
}

function seconds(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(0)} %`;
}
