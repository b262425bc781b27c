// Elements and numbers: how the page makes the former and writes the latter.

const NONE = '–';

/**
 * Makes an element. Children that are strings become text, never markup.
 * @param {string} tag
 * @param {Record<string, string>} [attributes] `class`, `data-state`, `scope`, ...
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** Writes only what changed: the rest of the page stays still, also for screen readers. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setData(node, name, value) {
  if (node.dataset[name] !== value) node.dataset[name] = value;
}

/** A bar whose length is `share`, 0 to 1; its number stands beside it as text. */
export function meter(share, kind = '') {
  const fill = element('i');
  const bar = element('span', { class: `meter ${kind}`, 'aria-hidden': 'true' }, fill);
  setShare(bar, share);
  return bar;
}

export function setShare(bar, share) {
  const width = `${Math.round(1000 * Math.min(1, Math.max(0, share ?? 0))) / 10}%`;
  const { style } = bar.firstElementChild;
  if (style.width !== width) style.width = width;
}

/** 1234567 as 1.23M. */
export function count(value) {
  if (value === null || value === undefined) return NONE;
  if (value >= 1e9) return `${digits(value / 1e9)}G`;
  if (value >= 1e6) return `${digits(value / 1e6)}M`;
  if (value >= 1e4) return `${digits(value / 1e3)}k`;
  return Math.round(value).toLocaleString('en-US');
}

export function percent(share) {
  if (share === null || share === undefined) return NONE;
  return `${(100 * share).toFixed(share > 0.995 || share === 0 ? 0 : 1)} %`;
}

/** Milliseconds as us, ms or s, with three digits. */
export function duration(ms) {
  if (ms === null || ms === undefined) return NONE;
  if (ms < 0.9995) return `${digits(ms * 1000)} µs`;
  if (ms < 999.5) return `${digits(ms)} ms`;
  return `${digits(ms / 1000)} s`;
}

/** Clocks of two machines are compared here: microseconds would claim too much. */
export function lag(seconds) {
  if (seconds === null) return NONE;
  return seconds < 0.0015 ? '≤ 1 ms' : duration(Math.round(1000 * seconds));
}

export function bytes(value) {
  if (value >= 2 ** 30) return `${digits(value / 2 ** 30)} GiB`;
  return `${digits(value / 2 ** 20)} MiB`;
}

/** How long ago. */
export function age(seconds) {
  if (seconds < 1.5) return 'now';
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  return `${Math.round(seconds / 60)} min ago`;
}

export function clock(time) {
  return new Date(time).toLocaleTimeString('en-GB');
}

/** State that decides the colour: an endpoint that gets no requests is `out` whatever its trust. */
export function stateOf({ available, trust }) {
  return available ? trust : 'out';
}

function digits(value) {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}
