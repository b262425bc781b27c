// The prefix index: bench/prefix_index_bench.cc on the core, built on the first run, and one match
// as a worker thread of the router makes it, through the addon. Every row names its size.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { TIER } from '../src/native.js';
import { PrefixIndex } from '../src/prefix/prefix-index.js';
import { type BenchResult, percentile } from './bench-result.js';
import { measureSnapshot } from './index/snapshot-run.js';

const PROMPT_BLOCKS = 128;
const PROMPTS = 8000;
const SAMPLES = 20_000;
const MAX_BYTES = 2 ** 30;

export async function run(options: {
  readonly json: boolean;
  readonly quick?: boolean;
}): Promise<BenchResult[]> {
  const results = [measureAddonMatch(), ...(await measureSnapshot(options.quick ? 1e6 : 1e7))];
  if (!options.json) for (const row of results) process.stderr.write(`${JSON.stringify(row)}\n`);
  const script = fileURLToPath(new URL('../../native/run.mjs', import.meta.url));
  if (!existsSync(script)) throw new Error(`bench index runs from a clone: ${script} is missing`);
  const parameters = [script, 'bench', ...(options.quick === true ? ['--quick'] : [])];
  const child = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (!options.json) process.stderr.write(`${line}\n`);
    results.push(parseResult(line));
  }
  const status = await ended;
  if (status !== 0) throw new Error(`native/run.mjs bench ended with ${status}`);
  return results;
}

function parseResult(line: string): BenchResult {
  const row: unknown = JSON.parse(line);
  if (typeof row !== 'object' || row === null) throw new Error(`not a result: ${line}`);
  const { name, value, unit, ...facts } = row as Record<string, unknown>;
  if (typeof name !== 'string' || typeof value !== 'number' || typeof unit !== 'string') {
    throw new Error(`not a result: ${line}`);
  }
  return { name, value, unit, ...facts };
}

/** Includes the crossing into native code and the clock of JavaScript. */
function measureAddonMatch(): BenchResult {
  const index = PrefixIndex.open({ maxBytes: MAX_BYTES });
  const prompts = Array.from({ length: PROMPTS }, (_, prompt) => {
    const hashes = BigUint64Array.from({ length: PROMPT_BLOCKS }, (_, block) =>
      BigInt(prompt * PROMPT_BLOCKS + block),
    );
    for (let holder = 0; holder < 4; holder += 1) {
      index.store((prompt * 7 + holder * 256) % 1024, TIER.gpu, hashes);
    }
    return hashes;
  });
  const micros = new Float64Array(SAMPLES);
  for (let i = 0; i < SAMPLES; i += 1) {
    // A step that has no factor in common with the number of prompts visits all of them.
    const hashes = prompts[(i * 3001) % PROMPTS];
    if (hashes === undefined) throw new Error('unreachable: prompts has PROMPTS elements');
    const begin = performance.now();
    const triples = index.match(hashes);
    micros[i] = (performance.now() - begin) * 1000;
    if (triples[1] !== PROMPT_BLOCKS) throw new Error(`matched ${triples[1]} blocks of prompt`);
  }
  micros.sort();
  index.close();
  const [p50, p99] = [percentile(micros, 0.5), percentile(micros, 0.99)];
  const name = 'through the addon, 1M blocks, 1024 endpoints: match 128, cold';
  return { name, value: p50, unit: 'us', p50, p99 };
}
