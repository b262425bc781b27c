// Sizes and durations as people write them: `512MiB`, `1m30s`.
import { type Field, type Place, shown } from './field.js';

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** `32MiB`, `2GB`, `1073741824`; null when it is not a size. */
export function parseBytes(text: string): number | null {
  const parts = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = BYTE_UNITS[(parts?.[2] ?? '').toLowerCase()];
  if (parts === null || unit === undefined) return null;
  const bytes = Math.round(Number(parts[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
};

/** A Go duration such as `2s` or `1m0.5s` in milliseconds; null when it is none. */
export function parseGoDuration(text: string): number | null {
  if (text === '0') return 0;
  if (
    !/^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/.test(
      text,
    )
  ) {
    return null;
  }
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    ms += Number(amount) * (DURATION_UNITS_MS[unit ?? ''] ?? 0);
  }
  return ms;
}

interface QuantityOptions {
  readonly doc: string;
  readonly fallback: number;
  /** Default as people write it, `32MiB`. */
  readonly fallbackText: string;
  readonly min: number;
  readonly max: number;
}

export function bytes(options: QuantityOptions): Field<number> {
  const { doc, fallback, fallbackText, min, max } = options;
  return {
    about: { doc, type: 'size', unit: 'bytes', range: `${min} to ${max}`, fallback: fallbackText },
    read(value, place) {
      if (value === undefined || value === null) return fallback;
      const size = typeof value === 'string' ? parseBytes(value) : value;
      if (typeof size !== 'number' || !Number.isSafeInteger(size)) {
        return place.fail(`must be a size such as 512MiB, not ${shown(value)}`);
      }
      return inRange(size, options, place, 'bytes');
    },
  };
}

/** Milliseconds, from a Go duration string or a number of nanoseconds (what a plain Go duration
 * field of an EndpointPickerConfig takes). */
export function goDurationMs(options: QuantityOptions): Field<number> {
  const { doc, fallback, fallbackText, min, max } = options;
  return {
    about: { doc, type: 'duration', range: `${min} to ${max} ms`, fallback: fallbackText },
    read(value, place) {
      if (value === undefined || value === null) return fallback;
      const ms =
        typeof value === 'string'
          ? parseGoDuration(value)
          : typeof value === 'number'
            ? value / 1e6
            : null;
      if (ms === null || !Number.isFinite(ms)) {
        return place.fail(`must be a duration such as "2s", or nanoseconds, not ${shown(value)}`);
      }
      return inRange(ms, options, place, 'ms');
    },
  };
}

function inRange(value: number, { min, max }: QuantityOptions, place: Place, unit: string): number {
  if (value >= min && value <= max) return value;
  return place.fail(`${value} is out of range: ${min} to ${max} ${unit}`);
}
