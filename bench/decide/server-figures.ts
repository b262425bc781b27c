// What the router says about itself between two moments: its decision histogram and its CPU time.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const STAGES = ['parse', 'render', 'tokenize', 'hash', 'match', 'total'] as const;
export type Stage = (typeof STAGES)[number];

interface Reading {
  readonly cpuUs: number;
  readonly seconds: Readonly<Record<Stage, number>>;
  readonly decisions: number;
  /** Requests routed by load because the prompt was not matched in time or at all. */
  readonly unmatched: number;
}

export interface ServerFigures {
  /** Mean microseconds of a decision. */
  readonly stageUs: Readonly<Record<Stage, number>>;
  readonly cpuUs: number;
  readonly unmatched: number;
}

export class ServerMeter {
  readonly #process: ChildProcess;
  readonly #adminPort: number;
  #begin: Reading | null = null;

  constructor(process: ChildProcess, adminPort: number) {
    this.#process = process;
    this.#adminPort = adminPort;
  }

  async start(): Promise<void> {
    this.#begin = await this.#read();
  }

  /** Figures since `start`; CPU time is that of the whole process, divided by the decisions. */
  async stop(): Promise<ServerFigures> {
    const begin = this.#begin;
    if (begin === null) throw new Error('stop before start');
    const end = await this.#read();
    const decisions = end.decisions - begin.decisions;
    const mean = (stage: Stage) => ((end.seconds[stage] - begin.seconds[stage]) * 1e6) / decisions;
    return {
      stageUs: stageRecord(mean),
      cpuUs: (end.cpuUs - begin.cpuUs) / decisions,
      unmatched: end.unmatched - begin.unmatched,
    };
  }

  async #read(): Promise<Reading> {
    const reply = once(this.#process, 'message');
    this.#process.send('cpu');
    const [cpuUs] = await reply;
    const response = await fetch(`http://127.0.0.1:${this.#adminPort}/metrics`);
    const page = await response.text();
    const seconds = (stage: Stage) => sumOf(page, `decision_seconds_sum{stage="${stage}"}`);
    return {
      cpuUs,
      seconds: stageRecord(seconds),
      decisions: sumOf(page, 'decision_seconds_count{stage="total"}'),
      unmatched: sumOf(page, 'unscheduled_total{'),
    };
  }
}

function stageRecord(value: (stage: Stage) => number): Record<Stage, number> {
  const [parse, render, tokenize, hash, match, total] = STAGES;
  return {
    [parse]: value(parse),
    [render]: value(render),
    [tokenize]: value(tokenize),
    [hash]: value(hash),
    [match]: value(match),
    [total]: value(total),
  };
}

/** Sum of the samples whose name, after `warmpath_`, begins with `start`. */
function sumOf(page: string, start: string): number {
  let sum = 0;
  for (const line of page.split('\n')) {
    if (line.startsWith(`warmpath_${start}`)) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}
