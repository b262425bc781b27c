// A horizontal bar a policy, on a logarithmic scale when values lie far apart.
import { escaped } from './svg-text.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly text: string;
  readonly isOurs: boolean;
}

const WIDTH = 460;
const ROW = 20;
const LABEL = 124;
const VALUE = 64;
/** From here on short bars could not be told apart. */
const LOG_FROM = 8;

/** REQUIRES: values above 0 when the scale becomes logarithmic. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const values = bars.map(({ value }) => value);
  const most = Math.max(...values, 1e-9);
  const least = Math.min(...values);
  const isLog = least > 0 && most / least > LOG_FROM;
  const room = WIDTH - LABEL - VALUE;
  const low = Math.log10(least) - 0.3;
  const length = (value: number) => {
    const share = isLog ? (Math.log10(value) - low) / (Math.log10(most) - low) : value / most;
    return Math.max(1, share * room);
  };
  const rows = bars.map(({ label, value, text, isOurs }, i) => {
    const y = i * ROW;
    const long = length(value);
    return `<g class="${isOurs ? 'ours' : ''}"><text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escaped(label)}</text><rect x="${LABEL}" y="${y + 3}" width="${long.toFixed(1)}" height="${ROW - 6}" rx="2"/><text x="${(LABEL + long + 6).toFixed(1)}" y="${y + 14}">${escaped(text)}</text></g>`;
  });
  const height = bars.length * ROW;
  const note = isLog ? ', logarithmic' : '';
  return `<figure><figcaption>${escaped(title + note)}</figcaption><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">${rows.join('')}</svg></figure>`;
}
