// The last hour as small charts. Points come from /history once, then one by one with the snapshots.
import { byId, clock, count, duration, element, percent, setText } from './dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 600;
const HEIGHT = 120;
const HOUR_MS = 3_600_000;
/** A young router's chart is not one point at the right edge. */
const SPAN_MIN_MS = 60_000;

const CHARTS = [
  {
    title: 'Cache hits',
    format: percent,
    top: () => 1,
    lines: [
      { name: 'actual', key: 'hitActual', kind: 'warm' },
      { name: 'predicted', key: 'hitPredicted', kind: 'cool dashed' },
    ],
  },
  {
    title: 'First token',
    format: duration,
    top: roundUp,
    lines: [
      { name: 'p50', key: 'ttftP50Ms', kind: 'warm' },
      { name: 'p99', key: 'ttftP99Ms', kind: 'faint' },
    ],
  },
  {
    title: 'Decision',
    format: duration,
    top: roundUp,
    lines: [
      { name: 'p50', key: 'decisionP50Ms', kind: 'warm' },
      { name: 'p99', key: 'decisionP99Ms', kind: 'faint' },
    ],
  },
  {
    title: 'Requests',
    format: (value) => (value === null ? '–' : value < 10 ? value.toFixed(1) : count(value)),
    top: roundUp,
    lines: [
      { name: 'a second', key: 'requestsPerSecond', kind: 'warm' },
      { name: 'in flight', key: 'inflightRequests', kind: 'faint' },
    ],
  },
];

export class Charts {
  #charts = CHARTS.map((spec) => new Chart(spec));
  #points = [];
  #marks = [];
  #intervalMs = 5000;
  #loading = false;

  constructor() {
    byId('charts').append(...this.#charts.map(({ figure }) => figure));
  }

  draw({ point, demo }) {
    const last = this.#points.at(-1);
    this.#marks = demo?.marks ?? [];
    if (point !== null && point.time !== last?.time) {
      const follows = last !== undefined && point.time - last.time < 1.5 * this.#intervalMs;
      if (follows) this.#points.push(point);
      // The first look, or snapshots that were missed.
      else void this.#load();
    }
    this.#redraw();
  }

  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const { intervalMs, points } = await (await fetch('history')).json();
      this.#points = points;
      this.#intervalMs = intervalMs;
      this.#redraw();
    } catch {
      // The connection's own state says that the router cannot be reached; the next snapshot asks again.
    } finally {
      this.#loading = false;
    }
  }

  #redraw() {
    const now = this.#points.at(-1)?.time ?? Date.now();
    while (this.#points.length > 0 && this.#points[0].time < now - HOUR_MS) this.#points.shift();
    const age = now - (this.#points[0]?.time ?? now);
    const span = Math.max(SPAN_MIN_MS, Math.ceil(age / SPAN_MIN_MS) * SPAN_MIN_MS);
    const marks = this.#marks.filter(({ time }) => time > now - span && time <= now);
    for (const chart of this.#charts) chart.draw(this.#points, marks, now, span);
  }
}

class Chart {
  #spec;
  #points = [];
  #now = 0;
  #span = SPAN_MIN_MS;
  #svg = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
  });
  #marks = svg('g', { class: 'marks' });
  #cursor = svg('line', { class: 'cursor', y1: '0', y2: String(HEIGHT), visibility: 'hidden' });
  #lines;
  #values;
  #top = element('span', { class: 'axis top-value' });
  #since = element('span', { class: 'axis since' });
  #when = element('span', { class: 'axis when' }, 'now');

  constructor(spec) {
    this.#spec = spec;
    this.#lines = spec.lines.map(({ kind }) => svg('path', { class: kind }));
    this.#values = spec.lines.map(() => element('b'));
    const legend = spec.lines.map(({ name, kind }, i) => {
      return element('span', { class: `key ${kind}` }, `${name} `, this.#values[i]);
    });
    const grid = [1, HEIGHT / 2, HEIGHT - 1].map((y) =>
      svg('line', { class: 'grid', x1: '0', x2: String(WIDTH), y1: String(y), y2: String(y) }),
    );
    this.#svg.append(...grid, this.#marks, ...[...this.#lines].reverse(), this.#cursor);
    const plot = element('div', { class: 'plot' }, this.#svg, this.#top, this.#since, this.#when);
    plot.addEventListener('pointermove', (event) => this.#point(event));
    plot.addEventListener('pointerleave', () => this.#read(null));
    this.figure = element(
      'figure',
      { class: 'panel' },
      element('figcaption', {}, element('h2', {}, spec.title), ...legend),
      plot,
    );
  }

  draw(points, marks, now, span) {
    this.#points = points;
    this.#now = now;
    this.#span = span;
    const { lines, top, format } = this.#spec;
    const values = points.flatMap((point) => lines.map(({ key }) => point[key] ?? 0));
    const max = top(Math.max(0, ...values));
    for (const [i, { key }] of lines.entries()) {
      this.#lines[i].setAttribute('d', this.#path(key, max));
    }
    this.#marks.replaceChildren(
      ...marks.map(({ time }) => {
        const x = String(this.#x(time));
        return svg('line', { x1: x, x2: x, y1: '0', y2: String(HEIGHT) });
      }),
    );
    setText(this.#top, format(max));
    setText(this.#since, `${Math.round(span / 60_000)} min ago`);
    if (this.#cursor.getAttribute('visibility') === 'hidden') this.#read(null);
    const now_ = lines.map(({ name, key }) => `${name} ${format(points.at(-1)?.[key] ?? null)}`);
    this.#svg.setAttribute('aria-label', `${this.#spec.title}, now: ${now_.join(', ')}`);
  }

  #path(key, max) {
    let path = '';
    let pen = 'M';
    for (const point of this.#points) {
      const value = point[key];
      if (value === null) {
        pen = 'M';
        continue;
      }
      const y = HEIGHT - 1 - (HEIGHT - 3) * Math.min(1, value / max);
      path += `${pen}${this.#x(point.time).toFixed(1)} ${y.toFixed(1)}`;
      pen = 'L';
    }
    return path;
  }

  #x(time) {
    return WIDTH * (1 - (this.#now - time) / this.#span);
  }

  #point({ clientX }) {
    const { left, width } = this.#svg.getBoundingClientRect();
    const time = this.#now - this.#span * (1 - (clientX - left) / width);
    let nearest = null;
    for (const point of this.#points) {
      if (nearest === null || Math.abs(point.time - time) < Math.abs(nearest.time - time)) {
        nearest = point;
      }
    }
    this.#read(nearest);
  }

  /** Shows the values of one point; null: the newest. */
  #read(point) {
    const shown = point ?? this.#points.at(-1) ?? null;
    for (const [i, { key }] of this.#spec.lines.entries()) {
      setText(this.#values[i], this.#spec.format(shown?.[key] ?? null));
    }
    setText(this.#when, point === null ? 'now' : clock(point.time));
    this.#cursor.setAttribute('visibility', point === null ? 'hidden' : 'visible');
    if (point === null) return;
    const x = this.#x(point.time).toFixed(1);
    this.#cursor.setAttribute('x1', x);
    this.#cursor.setAttribute('x2', x);
  }
}

function svg(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** 1, 2 or 5 times a power of ten. */
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => value <= factor * power) ?? 10;
  return step * power;
}
