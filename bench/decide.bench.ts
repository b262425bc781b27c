// Decisions of the whole router, from the body received to the endpoint chosen, as it says itself in
// its response headers and its histogram.
//
// Engines, router and load are three processes. Requests come open loop at random moments, as many
// independent users send them: a request waits for nothing but the router. `220KB warm` is closed
// loop instead, since it asks how many requests a second the router takes. Warm means that some
// engine holds all of the conversation but its last message, which is new in every request; of a
// cold prompt no engine holds anything, and no part of its text was tokenized before.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { shippedTokenizer } from '../src/sim/model-encoder.js';
import { SIM_DEFAULTS } from '../src/sim/sim-options.js';
import { ModelTokenizer } from '../src/tokenizer/model-tokenizer.js';
import { type BenchResult, percentile } from './bench-result.js';
import { ConversationSource, RECORDED_TRACE } from './decide/conversations.js';
import { type Answer, LoadClient } from './decide/load-client.js';
import { type ServerFigures, ServerMeter } from './decide/server-figures.js';
import { seededRandom } from './fleet/random.js';

export interface DecideOptions {
  readonly json: boolean;
  /** Text trace to make prompts of; null: the one beside the project. */
  readonly trace?: string | null;
  /** Rows to run; all unless given. */
  readonly rows?: readonly string[];
  /** Measured time of a row. */
  readonly seconds?: number;
}

interface Row {
  readonly name: string;
  readonly messages: number;
  /** Length of the prompt: tokens, or bytes of the body. */
  readonly tokens?: number;
  readonly bytes?: number;
  /** Conversations that take turns; 0: every prompt is new. */
  readonly conversations: number;
  /** Open loop: requests a second. Closed loop: null, with so many requests in flight. */
  readonly rate: number | null;
  readonly inFlight?: number;
}

const ROWS: readonly Row[] = [
  { name: '8k warm', messages: 20, tokens: 8192, conversations: 96, rate: 500 },
  { name: '8k cold', messages: 20, tokens: 8192, conversations: 0, rate: 200 },
  { name: '100k warm', messages: 200, tokens: 100_000, conversations: 8, rate: 50 },
  { name: '220KB warm', messages: 110, bytes: 220_000, conversations: 16, rate: null, inFlight: 8 },
];
const PATH = '/v1/chat/completions';
const WARM_UP_SECONDS = 2;
const DEFAULT_SECONDS = 5;
const SEED = 1;
/** Events of the warm-up have been applied by then, or something is broken. */
const WARM_DEADLINE_MS = 20_000;
/** Share of a warm prompt that some engine holds: all but the last message. */
const WARM_SHARE = 0.8;

export async function run(options: DecideOptions): Promise<BenchResult[]> {
  const seconds = options.seconds ?? DEFAULT_SECONDS;
  const rows = ROWS.filter(({ name }) => options.rows?.includes(name) ?? true);
  const source = new ConversationSource(options.trace ?? RECORDED_TRACE, SEED);
  const model = await ModelTokenizer.load(shippedTokenizer());
  const sample = source.sample();
  const tokens = (await model.tokenizer.encode(sample, false)).length;
  const charactersPerToken = sample.length / tokens;
  if (!options.json) process.stderr.write(`decide: ${source.name}, ${seconds} s a row\n`);
  const engines = await start('bench-engines.js', []);
  const router = await start('bench-router.js', [JSON.stringify(engines.reply)]);
  const { port, adminPort } = portsOf(router.reply);
  const bench: Bench = {
    client: new LoadClient(port),
    meter: new ServerMeter(router.process, adminPort),
    engines: engines.process,
    source,
    charactersPerToken,
    seconds,
  };
  const results: BenchResult[] = [];
  try {
    for (const row of rows) {
      const result = await measure(bench, row);
      if (!options.json) process.stderr.write(`decide: ${row.name} done\n`);
      results.push(result);
    }
  } finally {
    bench.client.close();
    for (const { process: child } of [router, engines]) child.disconnect();
  }
  return results;
}

interface Outcome {
  readonly answers: readonly Answer[];
  /** Requests without an answer, and those that the router was too far behind for. */
  readonly lost: number;
}

interface Bench {
  readonly client: LoadClient;
  readonly meter: ServerMeter;
  readonly engines: ChildProcess;
  readonly source: ConversationSource;
  readonly charactersPerToken: number;
  readonly seconds: number;
}

async function start(
  file: string,
  args: string[],
): Promise<{ readonly process: ChildProcess; readonly reply: unknown }> {
  const child = fork(fileURLToPath(new URL(`./decide/${file}`, import.meta.url)), args);
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`);
  });
  const [reply] = await Promise.race([once(child, 'message'), exited]);
  exited.catch(() => {});
  return { process: child, reply };
}

function portsOf(reply: unknown): { readonly port: number; readonly adminPort: number } {
  if (typeof reply !== 'object' || reply === null || !('port' in reply) || !('adminPort' in reply))
    throw new Error(`the router sent ${JSON.stringify(reply)} instead of its ports`);
  return { port: Number(reply.port), adminPort: Number(reply.adminPort) };
}

async function measure(bench: Bench, row: Row): Promise<BenchResult> {
  const { meter, seconds } = bench;
  const nextBody = await bodies(bench, row);
  await tell(bench.engines, 'canned');
  const load = row.rate === null ? closedLoop : openLoop;
  await load(bench, row, nextBody, WARM_UP_SECONDS);
  await meter.start();
  const startMs = performance.now();
  const outcome = await load(bench, row, nextBody, seconds);
  const perSecond = outcome.answers.length / ((performance.now() - startMs) / 1000);
  return resultOf(row, outcome, perSecond, await meter.stop());
}

/** Bodies to send, each once; warm ones after their conversations have been sent to engines. */
async function bodies({ source, charactersPerToken, ...bench }: Bench, row: Row) {
  // JSON escapes line ends and quotes, so bytes of a body are a little more than characters.
  const characters =
    row.bytes === undefined ? (row.tokens ?? 0) * charactersPerToken : row.bytes * 0.95;
  const shape = { messages: row.messages, characters };
  if (row.conversations === 0) return () => source.novel(SIM_DEFAULTS.model, shape);
  const turns = Array.from({ length: row.conversations }, (_, i) =>
    source.conversation(SIM_DEFAULTS.model, i, shape),
  );
  await tell(bench.engines, 'real');
  for (const turn of turns) await bench.client.post(PATH, turn(), performance.now());
  for (const turn of turns) await untilWarm(bench.client, turn);
  let sent = 0;
  return () => {
    const turn = turns[sent++ % turns.length];
    if (turn === undefined) throw new Error('unreachable: there is at least one conversation');
    return turn();
  };
}

async function untilWarm(client: LoadClient, turn: () => Buffer): Promise<void> {
  const deadline = performance.now() + WARM_DEADLINE_MS;
  for (;;) {
    const answer = await client.post(PATH, turn(), performance.now());
    if (answer.matchedTokens >= WARM_SHARE * answer.promptTokens) return;
    if (performance.now() > deadline) {
      throw new Error(
        `a conversation does not get warm: ${answer.matchedTokens} of ${answer.promptTokens} tokens`,
      );
    }
    await delay(20);
  }
}

async function tell(engines: ChildProcess, mode: 'real' | 'canned'): Promise<void> {
  const done = once(engines, 'message');
  engines.send(mode);
  await done;
}

async function openLoop(
  { client }: Bench,
  row: Row,
  nextBody: () => Buffer,
  seconds: number,
): Promise<Outcome> {
  const random = seededRandom(SEED);
  const meanGapMs = 1000 / (row.rate ?? 1);
  const endMs = performance.now() + seconds * 1000;
  const posts: Promise<Answer | null>[] = [];
  let dueMs = performance.now();
  while (dueMs < endMs) {
    const now = performance.now();
    if (dueMs > now) await delay(Math.max(1, Math.floor(dueMs - now)));
    else {
      const isLost = client.isFull;
      posts.push(isLost ? Promise.resolve(null) : answerOf(client, nextBody(), dueMs));
      dueMs -= Math.log(1 - random()) * meanGapMs;
    }
  }
  return outcomeOf(await Promise.all(posts));
}

async function closedLoop(
  { client }: Bench,
  row: Row,
  nextBody: () => Buffer,
  seconds: number,
): Promise<Outcome> {
  const endMs = performance.now() + seconds * 1000;
  const answers: (Answer | null)[] = [];
  const user = async () => {
    while (performance.now() < endMs) {
      answers.push(await answerOf(client, nextBody(), performance.now()));
    }
  };
  await Promise.all(Array.from({ length: row.inFlight ?? 1 }, user));
  return outcomeOf(answers);
}

/** null: there was none. */
function answerOf(client: LoadClient, body: Buffer, dueMs: number): Promise<Answer | null> {
  return client.post(PATH, body, dueMs).catch(() => null);
}

/** Throws when there is no answer at all. */
function outcomeOf(posts: readonly (Answer | null)[]): Outcome {
  const answers = posts.filter((answer) => answer !== null);
  if (answers.length === 0) throw new Error('the router answered no request');
  return { answers, lost: posts.length - answers.length };
}

function resultOf(
  row: Row,
  { answers, lost }: Outcome,
  perSecond: number,
  { stageUs, cpuUs, unmatched }: ServerFigures,
): BenchResult {
  const sorted = (field: (answer: Answer) => number) => Float64Array.from(answers, field).sort();
  const mean = (field: (answer: Answer) => number) =>
    answers.reduce((sum, answer) => sum + field(answer), 0) / answers.length;
  const decisionMs = sorted((answer) => answer.decisionUs / 1000);
  const latencyMs = sorted((answer) => answer.latencyMs);
  const { parse, render, tokenize, hash, match, total } = stageUs;
  const [p50, p99] = [percentile(decisionMs, 0.5), percentile(decisionMs, 0.99)];
  const isClosed = row.rate === null;
  return {
    name: row.name,
    ...(isClosed
      ? { value: Math.round(perSecond), unit: 'req/s' }
      : { value: round(p50), unit: 'ms' }),
    p50: round(p50),
    p99: round(p99),
    per_s: Math.round(perSecond),
    parse_us: Math.round(parse),
    render_us: Math.round(render),
    tokenize_us: Math.round(tokenize),
    hash_us: Math.round(hash),
    match_us: Math.round(match),
    // Crossing to a thread and back, waiting for one, scoring.
    rest_us: Math.round(total - parse - render - tokenize - hash - match),
    router_cpu_us: Math.round(cpuUs),
    client_p50_ms: round(percentile(latencyMs, 0.5)),
    client_p99_ms: round(percentile(latencyMs, 0.99)),
    prompt_tokens: Math.round(mean(({ promptTokens }) => promptTokens)),
    matched_tokens: Math.round(mean(({ matchedTokens }) => matchedTokens)),
    unmatched,
    errors: lost + answers.filter(({ status }) => status !== 200).length,
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
