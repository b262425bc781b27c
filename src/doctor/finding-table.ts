// Findings as a table for a terminal: what is wrong stands out, with its cure below it.
import type { Finding, FindingStatus } from './finding.js';

const MARKS: Readonly<Record<FindingStatus, string>> = {
  ok: 'ok',
  warning: 'WARNING',
  wrong: 'WRONG',
  unknown: '?',
};
const ROUTER = 'router';

export function findingTable(findings: readonly Finding[]): string {
  const rows = findings.map(({ endpoint, check, status, message, cure }) => {
    return { cells: [endpoint ?? ROUTER, check, MARKS[status]], message, cure };
  });
  const heads = ['endpoint', 'check', 'result'];
  const widths = heads.map((head, column) => {
    return Math.max(head.length, ...rows.map(({ cells }) => cells[column]?.length ?? 0));
  });
  const line = (cells: readonly string[], last: string) =>
    [...cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)), last].join('  ').trimEnd();
  const indent = ' '.repeat(widths.reduce((sum, width) => sum + width + 2, 0));
  const lines = rows.flatMap(({ cells, message, cure }) => [
    line(cells, message),
    ...(cure === null ? [] : [`${indent}cure: ${cure}`]),
  ]);
  return [line(heads, 'what'), ...lines, '', summary(findings)].join('\n');
}

function summary(findings: readonly Finding[]): string {
  const count = (status: FindingStatus) => {
    return findings.filter((finding) => finding.status === status).length;
  };
  const [wrong, warnings, unknown] = [count('wrong'), count('warning'), count('unknown')];
  const rest = `${warnings} warning${warnings === 1 ? '' : 's'}, ${unknown} not known`;
  return wrong === 0 ? `Nothing is wrong (${rest}).` : `${wrong} wrong, ${rest}.`;
}
