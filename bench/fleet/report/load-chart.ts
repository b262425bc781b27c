// TTFT over load, a line a policy, logarithmic upwards: where each policy's knee is.
import { escaped, seconds } from './svg-text.js';

export interface LoadLine {
  readonly label: string;
  readonly points: readonly (readonly [load: number, seconds: number])[];
  readonly isOurs: boolean;
}

const WIDTH = 960;
const HEIGHT = 340;
const LEFT = 52;
const RIGHT = 132;
const TOP = 10;
const BOTTOM = 34;
const COLORS = 8;
/** Labels at the lines' ends must not cover each other. */
const LABEL_STEP = 14;

export function loadChart(title: string, lines: readonly LoadLine[]): string {
  const points = lines.flatMap((line) => line.points);
  const loads = [...new Set(points.map(([load]) => load))].sort((a, b) => a - b);
  const values = points.map(([, value]) => value).filter((value) => value > 0);
  const [first = 0, last = 1] = [loads[0], loads.at(-1)];
  const low = Math.floor(Math.log10(Math.min(...values)) * 2) / 2;
  const high = Math.ceil(Math.log10(Math.max(...values)) * 2) / 2;
  const x = (load: number) =>
    LEFT + ((load - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) =>
    TOP + ((high - Math.log10(value)) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const grid: string[] = [];
  for (let exponent = Math.ceil(low); exponent <= high; exponent += 1) {
    const at = y(10 ** exponent).toFixed(1);
    grid.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/><text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${10 ** exponent} s</text>`,
    );
  }
  for (const load of loads) {
    grid.push(
      `<text x="${x(load).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${load}</text>`,
    );
  }
  const labels = placed(lines.map(({ points: own }) => y(own.at(-1)?.[1] ?? 1)));
  const drawn = lines.map(({ label, points: own, isOurs }, i) => {
    const path = own.map(([load, value], at) => {
      return `${at === 0 ? 'M' : 'L'}${x(load).toFixed(1)} ${y(value).toFixed(1)}`;
    });
    const kind = isOurs ? 'ours' : `c${i % COLORS}`;
    const dots = own.map(([load, value]) => {
      return `<circle cx="${x(load).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3"><title>${escaped(label)}, load ${load}: ${seconds(value)} s</title></circle>`;
    });
    return `<g class="line ${kind}"><path d="${path.join('')}"/>${dots.join('')}<text x="${WIDTH - RIGHT + 8}" y="${(labels[i] ?? 0).toFixed(1)}" dy="4">${escaped(label)}</text></g>`;
  });
  return `<figure class="wide"><figcaption>${escaped(title)}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">${grid.join('')}${drawn.join('')}<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 2}" text-anchor="middle">load, multiples of the workload's own</text></svg></figure>`;
}

/** Heights moved down as far as needed to keep labels apart. */
function placed(heights: readonly number[]): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0));
  const result = [...heights];
  let free = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    const at = Math.max(heights[i] ?? 0, free);
    result[i] = at;
    free = at + LABEL_STEP;
  }
  return result;
}
