// Recorded traces: the `runs` format (BENCHMARKS section 2.1) and Mooncake's JSON lines, gzip or not.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ConfigError } from '../../../src/errors.js';
import { ID_LIMIT, RunsPrompt } from '../prompt-blocks.js';
import type { WorkloadRequest } from '../workload.js';

export interface Trace {
  readonly requests: readonly WorkloadRequest[];
  /** Tokens of a block that has an id. */
  readonly idTokens: number;
  /** Some requests say which session they belong to. */
  readonly hasSessions: boolean;
  /** Where it comes from and under which licence, as far as the file says. */
  readonly source: string;
}

/** Mooncake's traces have no header. */
const MOONCAKE_BLOCK_TOKENS = 512;
/** Tails get ids of their own, from here down. */
const TAIL_ID = ID_LIMIT - 1;

/** Throws ConfigError that names the file and the line. */
export function readTrace(file: string): Trace {
  const lines = textOf(file)
    .split('\n')
    .map((text, i) => ({ text, number: i + 1 }))
    .filter(({ text }) => text.trim() !== '');
  const records = lines.map(({ text, number }) => new TraceLine(file, number, text));
  const [first, ...rest] = records;
  if (first === undefined) throw new ConfigError(`${file}: no requests`);
  const meta = first.object('meta');
  if (meta !== null) return runsTrace(meta, rest);
  const requests = records.map((line, i) => mooncakeRequest(line, i));
  return {
    requests: requests.sort((a, b) => a.atUs - b.atUs),
    idTokens: MOONCAKE_BLOCK_TOKENS,
    hasSessions: false,
    source: 'unknown source',
  };
}

function textOf(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new ConfigError(`cannot read trace ${file}: ${String(cause)}`);
  }
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  try {
    return (isGzip ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (cause) {
    throw new ConfigError(`cannot read trace ${file}: ${String(cause)}`);
  }
}

function runsTrace(meta: Record<string, unknown>, lines: readonly TraceLine[]): Trace {
  const block = meta['block'];
  const idTokens = typeof block === 'number' && block >= 1 ? block : MOONCAKE_BLOCK_TOKENS;
  const requests = lines.map((line, i) => {
    const promptTokens = line.count('i', 1);
    const runs = line.ids('h');
    const session = line.optionalCount('s');
    return {
      atUs: line.number('t') * 1000,
      session,
      thinkUs: (line.optionalNumber('d') ?? 0) * 1000,
      promptTokens,
      outputTokens: line.count('o', 1),
      prompt: new RunsPrompt(runs, idTokens, promptTokens, TAIL_ID - i),
      answerId: -1,
    };
  });
  const text = (key: string) => (typeof meta[key] === 'string' ? meta[key] : '');
  return {
    requests,
    idTokens,
    hasSessions: requests.some(({ session }) => session !== null),
    source: [text('src'), text('commit'), text('licence')].filter((part) => part !== '').join(', '),
  };
}

/** `{timestamp ms, input_length, output_length, hash_ids}`. */
function mooncakeRequest(line: TraceLine, index: number): WorkloadRequest {
  const promptTokens = line.count('input_length', 1);
  const ids = line.ids('hash_ids');
  const runs = new Uint32Array(ids.length * 2);
  for (const [i, id] of ids.entries()) runs.set([id, 1], i * 2);
  return {
    atUs: line.number('timestamp') * 1000,
    session: null,
    thinkUs: 0,
    promptTokens,
    outputTokens: Math.max(1, line.count('output_length', 0)),
    prompt: new RunsPrompt(runs, MOONCAKE_BLOCK_TOKENS, promptTokens, TAIL_ID - index),
    answerId: -1,
  };
}

/** One line, checked field by field. */
class TraceLine {
  private readonly place: string;
  private readonly fields: Record<string, unknown>;

  constructor(file: string, line: number, text: string) {
    this.place = `${file}:${line}`;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new ConfigError(`${this.place}: not JSON: ${String(cause)}`);
    }
    if (!isObject(value)) throw new ConfigError(`${this.place}: not a JSON object`);
    this.fields = value;
  }

  object(key: string): Record<string, unknown> | null {
    const value = this.fields[key];
    return isObject(value) ? value : null;
  }

  number(key: string): number {
    return this.optionalNumber(key) ?? this.fail(key, 'a number of at least 0');
  }

  optionalNumber(key: string): number | null {
    const value = this.fields[key];
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    return this.fail(key, 'a number of at least 0');
  }

  count(key: string, min: number): number {
    const value = this.number(key);
    return Number.isSafeInteger(value) && value >= min
      ? value
      : this.fail(key, `a whole number of at least ${min}`);
  }

  optionalCount(key: string): number | null {
    return this.fields[key] === undefined ? null : this.count(key, 0);
  }

  ids(key: string): Uint32Array {
    const value = this.fields[key];
    const isId = (id: unknown) => Number.isSafeInteger(id) && Number(id) >= 0;
    if (!Array.isArray(value) || !value.every((id) => isId(id) && id < ID_LIMIT)) {
      return this.fail(key, `a list of block ids below ${ID_LIMIT}`);
    }
    return Uint32Array.from(value);
  }

  private fail(key: string, expected: string): never {
    const written = JSON.stringify(this.fields[key]) ?? 'missing';
    throw new ConfigError(`${this.place}: ${key} is ${written.slice(0, 60)}, not ${expected}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
