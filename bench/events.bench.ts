// KV cache events from publishers in processes of their own to the prefix index, over real ZMQ, as
// the router follows them; beside it the plain way (plain-consumer.ts) in the same run.
//
// Blocks a second are those stored, from the order to publish until the last one is in the index.
// The publishers share the machine's cores with what is measured; lag is what the router itself
// reports, sampled: time of applying less the time stamp of the batch.
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { EventReport, EventState } from '../src/events/event-messages.js';
import { type EventThread, startEventThread } from '../src/events/event-thread.js';
import { setLogLevel } from '../src/log.js';
import { PrefixIndex } from '../src/prefix/prefix-index.js';
import { type BenchResult, percentile } from './bench-result.js';
import type { PlainConsumerData, PlainIndex } from './events/plain-consumer.js';
import type { RunOrder } from './events/publisher-process.js';

interface Row {
  readonly processes: number;
  readonly publishers: number;
  readonly blocks: number;
  readonly batches: number;
  /** Batches a second; null: as fast as they go. */
  readonly rate: number | null;
  readonly withPlain: boolean;
}

/** Fewer batches than a publisher's queue holds, so that none is lost where there is no pace. */
const ROWS: readonly Row[] = [
  ...[64, 8, 1].map((blocks) => ({
    ...{ processes: 1, publishers: 1, blocks, batches: 60_000, rate: null, withPlain: true },
  })),
  { processes: 1, publishers: 64, blocks: 8, batches: 60_000, rate: null, withPlain: true },
  ...[10_000, 20_000].map((rate) => ({
    ...{ processes: 4, publishers: 2048, blocks: 8, batches: rate * 8, rate, withPlain: false },
  })),
];
const INDEX_BYTES = 4 * 2 ** 30;
/** Nothing more comes when nothing has come for this long. */
const SILENCE_MS = 3000;
const CONNECT_MS = 60_000;

export async function run(options: { readonly json: boolean }): Promise<BenchResult[]> {
  // The demand for file descriptors is a row's own business; reports of trust would be thousands.
  setLogLevel('error');
  const script = fileURLToPath(new URL('../../native/run.mjs', import.meta.url));
  const addon = execFileSync(process.execPath, [script, 'plain'], { encoding: 'utf8' }).trim();
  const results: BenchResult[] = [];
  for (const row of ROWS) {
    results.push(await measureRouter(row));
    if (row.withPlain) results.push(await measurePlain(row, addon));
    if (!options.json) tell(results.slice(row.withPlain ? -2 : -1));
  }
  return results;
}

function tell(results: readonly BenchResult[]): void {
  for (const result of results) process.stderr.write(`${JSON.stringify(result)}\n`);
}

async function measureRouter(row: Row): Promise<BenchResult> {
  const publishers = await Publishers.start(row);
  const index = PrefixIndex.open({ maxBytes: INDEX_BYTES });
  const states = new Map<number, EventState>();
  const lags: number[] = [];
  const thread = await startEventThread(
    { indexId: index.id, bind: null, topicPrefix: '' },
    (report) => hear(report, states, lags),
  );
  publishers.addresses.forEach((address, slot) => {
    thread.add(sourceOf(slot, address));
  });
  try {
    await settled(states, row.publishers, ({ connected }) => connected);
    publishers.greet();
    await settled(states, row.publishers, ({ trust }) => trust === 'exact');
    lags.length = 0;
    // All share the first block.
    const size = () => index.stats().blocks - 1;
    return result(row, 'router', publishers, { ...(await publishers.measure(size)), lags });
  } finally {
    await stop(thread, index);
    publishers.close();
  }
}

async function measurePlain(row: Row, addon: string): Promise<BenchResult> {
  const publishers = await Publishers.start(row);
  const index: PlainIndex = createRequire(import.meta.url)(addon);
  const workerData: PlainConsumerData = { addon, addresses: publishers.addresses };
  const worker = new Worker(new URL('./events/plain-consumer.js', import.meta.url), { workerData });
  try {
    await once(worker, 'message');
    await delay(1000);
    publishers.greet();
    await delay(500);
    const greeted = index.size();
    const measured = await publishers.measure(() => index.size() - greeted);
    return result(row, 'msgpackr, unordered_map + shared_mutex', publishers, measured);
  } finally {
    worker.postMessage('close');
    await once(worker, 'exit');
    publishers.close();
  }
}

interface Measured {
  readonly seconds: number;
  readonly stored: number;
  readonly cores: number;
  readonly lags?: number[];
}

function result(row: Row, who: string, publishers: Publishers, measured: Measured): BenchResult {
  const { seconds, stored, cores, lags = [] } = measured;
  const lost = row.batches - stored / row.blocks;
  const pace = row.rate === null ? '' : ` at ${row.rate} batches/s`;
  const name = `${who}: ${row.publishers} publishers, ${row.blocks} blocks a batch${pace}`;
  lags.sort((a, b) => a - b);
  const lag =
    row.rate === null || lags.length === 0
      ? {}
      : {
          lag_p50_ms: percentile(lags, 0.5) * 1000,
          lag_p99_ms: percentile(lags, 0.99) * 1000,
          lag_max_ms: (lags.at(-1) ?? 0) * 1000,
        };
  return {
    ...{ name, value: stored / seconds, unit: 'blocks/s' },
    batches_per_s: (row.batches - lost) / seconds,
    ...{ lost_batches: lost, batch_bytes: publishers.payloadBytes, cores, ...lag },
  };
}

/** No two rows use the same hashes: the plain index lives as long as the process. */
let nextPublisher = 0;

/** The publishers of one row, over their processes. */
class Publishers {
  readonly addresses: string[] = [];
  payloadBytes = 0;
  readonly #row: Row;
  readonly #processes: ChildProcess[] = [];

  static async start(row: Row): Promise<Publishers> {
    const started = new Publishers(row);
    const each = row.publishers / row.processes;
    const file = fileURLToPath(new URL('./events/publisher-process.js', import.meta.url));
    for (let i = 0; i < row.processes; i += 1) {
      const child = fork(file, [nextPublisher, each, row.blocks].map(String));
      nextPublisher += each;
      started.#processes.push(child);
      const [ready] = await once(child, 'message');
      started.addresses.push(...ready.addresses);
      started.payloadBytes = ready.payloadBytes;
    }
    return started;
  }

  private constructor(row: Row) {
    this.#row = row;
  }

  greet(): void {
    for (const child of this.#processes) child.send('greet');
  }

  /** Publishes the row's batches; `size` says how many of their blocks are stored. */
  async measure(size: () => number) {
    const { batches, rate, blocks } = this.#row;
    const share = this.#processes.length;
    const order: RunOrder = { run: batches / share, rate: rate === null ? null : rate / share };
    const cpu = process.cpuUsage();
    const start = performance.now();
    for (const child of this.#processes) child.send(order);
    let stored = 0;
    let end = start;
    while (stored < batches * blocks && performance.now() - end < SILENCE_MS) {
      await delay(2);
      const now = size();
      if (now > stored) end = performance.now();
      stored = now;
    }
    const { user, system } = process.cpuUsage(cpu);
    const seconds = (end - start) / 1000;
    return { seconds, stored, cores: (user + system) / 1e6 / seconds };
  }

  close(): void {
    for (const child of this.#processes) child.disconnect();
  }
}

function sourceOf(slot: number, connect: string): Parameters<EventThread['add']>[0] {
  return {
    ...{ slot, name: `engine-${slot}`, epoch: slot + 1, connect, replay: null },
    ...{ host: '127.0.0.1', port: 8000, model: 'model', dataParallelRank: null },
    expected: { algorithm: 'sha256_cbor', seed: null, blockSizeTokens: 16 },
  };
}

function hear(report: EventReport, states: Map<number, EventState>, lags: number[]): void {
  if (report.type === 'failed') throw new Error(report.message);
  if (report.type !== 'state') return;
  for (const state of report.states) {
    states.set(state.slot, state);
    if (state.lagSeconds !== null) lags.push(state.lagSeconds);
  }
}

async function settled(
  states: ReadonlyMap<number, EventState>,
  count: number,
  is: (state: EventState) => boolean,
): Promise<void> {
  const deadline = performance.now() + CONNECT_MS;
  for (;;) {
    const good = [...states.values()].filter(is);
    if (good.length === count) return;
    if (performance.now() > deadline) {
      const bad = [...states.values()].find((state) => !is(state));
      throw new Error(`${good.length} of ${count} publishers: ${bad?.reason ?? 'no report'}`);
    }
    await delay(20);
  }
}

async function stop(thread: EventThread, index: PrefixIndex): Promise<void> {
  await thread.close();
  index.close();
}
