// The proxy hop: CPU time per request and per streamed chunk, beside undici's `request` and no proxy.
//
// Engine, proxy and load are three processes. The CPU figures are the proxy's own and hold on a busy
// machine; requests/s and latencies share the cores with load and engine and say what this machine
// does, not what the hop can. Chunks that come faster than the loop turns share system calls, so
// "as fast as possible" flatters every proxy: decoding at 20 ms a token is the paced row.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { BenchResult } from './bench-result.js';

const CONNECTIONS = 64;
const STREAMS = 100;
/** The hops take turns, so that what else the machine does meets all of them; the median counts. */
const ROUNDS = 5;
/** Code that V8 has not compiled yet takes three times its CPU. */
const FIRST_WARM_UP_MS = 1500;
const WARM_UP_MS = 200;
const MEASURE_MS = 900;
const PACED_CHUNKS = 75;
const FAST_CHUNKS = 1000;
const POST =
  'POST /v1/completions HTTP/1.1\r\nhost: b\r\ncontent-type: application/json\r\n' +
  `content-length: 2048\r\n\r\n${'x'.repeat(2048)}`;

export async function run({ json }: { readonly json: boolean }): Promise<BenchResult[]> {
  const engine = await start('bench-engine.js', []);
  const engineUrl = `http://127.0.0.1:${engine.port}`;
  const forwarder = await start('bench-hop.js', [engineUrl, 'forwarder']);
  const request = await start('bench-hop.js', [engineUrl, 'undici-request']);
  const hops = [
    { kind: 'forwarder', port: forwarder.port, cpuUs: () => readCpuUs(forwarder.process) },
    { kind: 'undici request', port: request.port, cpuUs: () => readCpuUs(request.process) },
    { kind: 'no proxy', port: engine.port, cpuUs: async () => Number.NaN },
  ];
  const measures = [
    (hop: Hop) => measureRequests(hop, WARM_UP_MS),
    measurePacedStream,
    measureFastStream,
  ];
  for (const hop of hops) await measureRequests(hop, FIRST_WARM_UP_MS);
  const results: BenchResult[] = [];
  for (const measure of measures) {
    const rounds = new Map<string, BenchResult[]>(hops.map(({ kind }) => [kind, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const hop of hops) rounds.get(hop.kind)?.push(await measure(hop));
    }
    for (const measured of rounds.values()) results.push(...median(measured));
    if (!json)
      process.stderr.write(`proxy: ${results.length} of ${measures.length * hops.length} rows\n`);
  }
  for (const { process: child } of [forwarder, request, engine]) child.disconnect();
  return results;
}

function median(rounds: readonly BenchResult[]): BenchResult[] {
  return rounds.toSorted((a, b) => a.value - b.value).slice(ROUNDS >> 1, (ROUNDS >> 1) + 1);
}

interface Hop {
  readonly kind: string;
  readonly port: number;
  readonly cpuUs: () => Promise<number>;
}

interface Started {
  readonly process: ChildProcess;
  readonly port: number;
}

async function start(file: string, args: string[]): Promise<Started> {
  const child = fork(fileURLToPath(new URL(`./proxy/${file}`, import.meta.url)), args);
  const [port] = await once(child, 'message');
  return { process: child, port };
}

async function readCpuUs(child: ChildProcess): Promise<number> {
  const reply = once(child, 'message');
  child.send('cpu');
  return (await reply)[0];
}

async function measureRequests({ kind, port, cpuUs }: Hop, warmUpMs: number): Promise<BenchResult> {
  const latenciesUs: number[] = [];
  let running = true;
  const clients = Array.from({ length: CONNECTIONS }, () =>
    repeatRequest(port, () => running, latenciesUs),
  );
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  latenciesUs.length = 0;
  const startCpuUs = await cpuUs();
  const startMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
  const requests = latenciesUs.length;
  const seconds = (performance.now() - startMs) / 1000;
  const usedUs = (await cpuUs()) - startCpuUs;
  running = false;
  await Promise.all(clients);
  latenciesUs.sort((a, b) => a - b);
  return {
    name: `POST 2 KiB, ${CONNECTIONS} connections, ${kind}`,
    ...figures(usedUs / requests, requests / seconds, 'requests'),
    p50: latenciesUs[Math.floor(latenciesUs.length * 0.5)] ?? 0,
    p99: latenciesUs[Math.floor(latenciesUs.length * 0.99)] ?? 0,
  };
}

/** CPU time is the value where there is a proxy to have one, else the rate. */
function figures(cpuUs: number, perSecond: number, things: string) {
  const rate = { [`${things}_per_s`]: Math.round(perSecond) };
  return Number.isNaN(cpuUs)
    ? { value: Math.round(perSecond), unit: `${things}/s`, ...rate }
    : { value: Number(cpuUs.toFixed(1)), unit: `us CPU/${things.slice(0, -1)}`, ...rate };
}

/** One connection that sends the request again as soon as its response is whole. Every response of a
 * server has the same size, learnt from the first. */
function repeatRequest(port: number, goesOn: () => boolean, latenciesUs: number[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let responseBytes = 0;
    let received = 0;
    let sentAt = 0;
    const send = () => {
      received = 0;
      sentAt = performance.now();
      socket.write(POST);
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (responseBytes === 0) {
        const text = chunk.toString('latin1');
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
        responseBytes = text.indexOf('\r\n\r\n') + 4 + length;
      }
      if (received < responseBytes) return;
      latenciesUs.push((performance.now() - sentAt) * 1000);
      if (goesOn()) send();
      else {
        socket.destroy();
        resolve();
      }
    });
  });
}

function measurePacedStream(hop: Hop): Promise<BenchResult> {
  return measureStream(hop, PACED_CHUNKS, 20);
}

function measureFastStream(hop: Hop): Promise<BenchResult> {
  return measureStream(hop, FAST_CHUNKS, 0);
}

async function measureStream(
  { kind, port, cpuUs }: Hop,
  chunks: number,
  paceMs: number,
): Promise<BenchResult> {
  const startCpuUs = await cpuUs();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: STREAMS }, () => readStream(port, chunks, paceMs)));
  const seconds = (performance.now() - startMs) / 1000;
  const usedUs = (await cpuUs()) - startCpuUs;
  const total = chunks * STREAMS;
  const pace = paceMs === 0 ? 'as fast as possible' : `one chunk per ${paceMs} ms`;
  return {
    name: `${STREAMS} streams, ${pace}, ${kind}`,
    ...figures(usedUs / total, total / seconds, 'chunks'),
  };
}

/** Reads one stream to its end, without looking into it. */
function readStream(port: number, chunks: number, paceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('connect', () => {
      socket.write(
        `GET /stream?${chunks},${paceMs} HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n`,
      );
    });
    socket.on('error', reject);
    socket.on('data', () => {});
    socket.on('end', resolve);
  });
}
