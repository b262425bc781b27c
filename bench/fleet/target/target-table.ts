// The table of `bench fleet --target`: one line a run, and what must be said of it.
import type { TargetRow } from './target-row.js';

const COLUMNS: readonly (readonly [
  title: string,
  width: number,
  cell: (row: TargetRow) => string,
])[] = [
  ['hit', 6, ({ hit_ratio: hit }) => hit?.toFixed(3) ?? '-'],
  ['/ideal', 7, ({ hit_ratio: hit, ideal_hit: ideal }) => share(hit, ideal)],
  ['TTFT mean', 11, ({ ttft_mean }) => seconds(ttft_mean)],
  ['p50', 8, ({ ttft_p50 }) => seconds(ttft_p50)],
  ['p90', 8, ({ ttft_p90 }) => seconds(ttft_p90)],
  ['p99', 8, ({ ttft_p99 }) => seconds(ttft_p99)],
  ['text mean', 11, ({ ttft_text_mean }) => seconds(ttft_text_mean)],
  ['p90', 8, ({ ttft_text_p90 }) => seconds(ttft_text_p90)],
  ['ITL p50 ms', 11, ({ itl_p50 }) => (itl_p50 * 1000).toFixed(1)],
  ['p99', 7, ({ itl_p99 }) => (itl_p99 * 1000).toFixed(0)],
  ['E2E', 8, ({ e2e_mean }) => seconds(e2e_mean)],
  ['tok/s', 7, (row) => row.output_tokens_per_s.toFixed(0)],
  ['imbal.', 7, (row) => row.imbalance?.toFixed(2) ?? '-'],
  ['rejects', 8, (row) => String(row.rejects)],
  ['failed', 7, (row) => String(row.failures)],
  ['late p99 ms', 12, (row) => (row.client_late_p99 * 1000).toFixed(1)],
  ['client', 7, (row) => `${(100 * row.client_busy).toFixed(0)} %`],
];

export function targetTable(row: TargetRow): string {
  const lines = [
    `\n${row.workload}${row.load === 1 ? '' : `@${row.load}`}: ${row.about}`,
    COLUMNS.map(([title, width]) => title.padStart(width)).join(''),
    COLUMNS.map(([, width, cell]) => cell(row).padStart(width)).join(''),
  ];
  if (row.void !== null) lines.push(`VOID: ${row.void}`);
  if (row.first_problem !== null) lines.push(`first failure: ${row.first_problem}`);
  if (row.hit_ratio === null) {
    lines.push('no answer says how many tokens were cached (vLLM: --enable-prompt-tokens-details)');
  }
  return `${lines.join('\n')}\n`;
}

function seconds(value: number): string {
  return value >= 10 ? value.toFixed(1) : value.toFixed(3);
}

function share(part: number | null, whole: number): string {
  return part === null || whole === 0 ? '-' : `${((100 * part) / whole).toFixed(0)} %`;
}
