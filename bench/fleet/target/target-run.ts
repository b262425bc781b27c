// One run against a real server: the workload's requests by the clock of the wall.
//
// Times count from the moment a request was due, not from when it could be sent: a client that is late
// must not make a server look fast. How late it was is measured as well.
import { performance } from 'node:perf_hooks';
import { ItlHistogram } from '../itl-histogram.js';
import type { TokenSource } from '../prompt-blocks.js';
import { SessionOrder } from '../session-order.js';
import type { Workload } from '../workload.js';
import { CompletionStream } from './completion-stream.js';
import type { TargetClient } from './target-client.js';

export interface TargetRunOptions {
  readonly client: TargetClient;
  readonly workload: Workload;
  readonly model: string;
  readonly vocabulary: number;
  /** Called now and then with the share of requests that have ended. */
  readonly onProgress?: (share: number) => void;
}

/** One entry a request, in the workload's order; NaN or -1 where it never came to that. */
export interface TargetRecord {
  /** From when it was due: to the first event with a choice, the first text, the end. */
  readonly firstChunkMs: Float64Array;
  readonly firstTextMs: Float64Array;
  readonly e2eMs: Float64Array;
  /** From when it was due until it was sent. */
  readonly lateMs: Float64Array;
  readonly promptTokens: Float64Array;
  readonly cachedTokens: Float64Array;
  readonly outputTokens: Float64Array;
  /** Between events of a stream. */
  readonly itl: ItlHistogram;
  /** Answers of 429 and 503, and what ended in any other way than by a complete answer. */
  readonly rejected: number;
  readonly failed: number;
  readonly firstProblem: string | null;
  /** The endpoint that the server says took the request; null: it does not say. */
  readonly endpoints: readonly (string | null)[];
  readonly makespanMs: number;
  /** Share of the time in which this process was busy, 0 to 1. */
  readonly clientBusy: number;
}

/** Long prompts take milliseconds to write down, so that is done before they are due. */
const PREPARE_MS = 30;
const PROGRESS_EVERY = 16;
/** Timers hold no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function runTarget(options: TargetRunOptions): Promise<TargetRecord> {
  return new TargetRun(options).run();
}

class TargetRun {
  private readonly options: TargetRunOptions;
  private readonly order: SessionOrder;
  private readonly answers = new Map<number, Uint32Array>();
  private readonly tokens: TokenSource;
  private readonly columns;
  private readonly itl = new ItlHistogram();
  private readonly endpoints: (string | null)[];
  private rejected = 0;
  private failed = 0;
  private firstProblem: string | null = null;
  private ended = 0;
  private lastMs = 0;
  private finish: () => void = () => {};

  constructor(options: TargetRunOptions) {
    this.options = options;
    this.order = new SessionOrder(options.workload);
    this.tokens = { vocabulary: options.vocabulary, answers: this.answers };
    const column = (empty: number) =>
      new Float64Array(options.workload.requests.length).fill(empty);
    this.endpoints = options.workload.requests.map(() => null);
    this.columns = {
      firstChunkMs: column(Number.NaN),
      firstTextMs: column(Number.NaN),
      e2eMs: column(Number.NaN),
      lateMs: column(Number.NaN),
      promptTokens: column(-1),
      cachedTokens: column(-1),
      outputTokens: column(-1),
    };
  }

  async run(): Promise<TargetRecord> {
    const { requests } = this.options.workload;
    const finished = new Promise<void>((resolve) => {
      this.finish = resolve;
    });
    const busyBefore = performance.eventLoopUtilization();
    // Code that has never run is slow, and the first bodies are made before time starts.
    const [first] = this.order.timed;
    if (first !== undefined) this.bodyOf(first);
    const startMs = performance.now() + 2 * PREPARE_MS;
    const firstUs = requests[0]?.atUs ?? 0;
    for (const index of this.order.timed) {
      this.due(index, startMs + ((requests[index]?.atUs ?? 0) - firstUs) / 1000);
    }
    if (requests.length > 0) await finished;
    return {
      ...this.columns,
      itl: this.itl,
      rejected: this.rejected,
      failed: this.failed,
      firstProblem: this.firstProblem,
      endpoints: this.endpoints,
      makespanMs: this.lastMs - startMs,
      clientBusy: performance.eventLoopUtilization(busyBefore).utilization,
    };
  }

  private due(index: number, dueMs: number): void {
    at(dueMs - PREPARE_MS, () => {
      const body = this.bodyOf(index);
      at(dueMs, () => this.send(index, body, dueMs));
    });
  }

  private bodyOf(index: number): string {
    const { workload, model } = this.options;
    const request = workload.requests[index];
    if (request === undefined) return '';
    const prompt = request.prompt.tokens(this.tokens);
    const rest = {
      model,
      max_tokens: request.outputTokens,
      ignore_eos: true,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
      ...(request.answerId < 0 ? {} : { return_token_ids: true }),
    };
    return `{"prompt":[${prompt.join(',')}],${JSON.stringify(rest).slice(1)}`;
  }

  private send(index: number, body: string, dueMs: number): void {
    const { columns } = this;
    const stream = new CompletionStream((gapMs) => this.itl.add(gapMs * 1000, 1));
    let status = 0;
    let refusal = '';
    this.options.client.complete(body, {
      onHead: (code, headers) => {
        status = code;
        const endpoint = headers['x-warmpath-endpoint'];
        if (typeof endpoint === 'string') this.endpoints[index] = endpoint;
      },
      onText: (text) => {
        if (status === 200) stream.read(text, performance.now());
        else if (refusal.length < 200) refusal += text;
      },
      onEnd: (problem) => {
        const nowMs = performance.now();
        columns.firstChunkMs[index] = stream.firstChunkMs - dueMs;
        columns.firstTextMs[index] = stream.firstTextMs - dueMs;
        columns.promptTokens[index] = stream.promptTokens;
        columns.cachedTokens[index] = stream.cachedTokens;
        columns.outputTokens[index] = stream.outputTokens;
        const { answerId = -1 } = this.options.workload.requests[index] ?? {};
        if (answerId >= 0) this.answers.set(answerId, Uint32Array.from(stream.tokens));
        if (status === 429 || status === 503) this.rejected += 1;
        else if (problem === null && status === 200 && stream.isDone && stream.error === null) {
          columns.e2eMs[index] = nowMs - dueMs;
        } else {
          this.failed += 1;
          this.firstProblem ??=
            problem ?? stream.error ?? (status === 200 ? 'no [DONE]' : `${status} ${refusal}`);
        }
        this.over(index, nowMs);
      },
    });
    columns.lateMs[index] = performance.now() - dueMs;
  }

  /** In a closed loop the session goes on. */
  private over(index: number, nowMs: number): void {
    const { workload, onProgress } = this.options;
    this.ended += 1;
    this.lastMs = nowMs;
    if (this.ended % PROGRESS_EVERY === 0) onProgress?.(this.ended / workload.requests.length);
    const next = this.order.after(index);
    if (next !== null) this.due(next, nowMs + (workload.requests[next]?.thinkUs ?? 0) / 1000);
    if (this.ended === workload.requests.length) this.finish();
  }
}

/** Timers come a fraction of a millisecond early or late; early is not acceptable. */
function at(timeMs: number, callback: () => void): void {
  const waitMs = timeMs - performance.now();
  if (waitMs <= 0) callback();
  else setTimeout(() => at(timeMs, callback), Math.min(Math.ceil(waitMs), LONGEST_TIMER_MS));
}
