// Workloads that somebody recorded: W2 and W3 (BENCHMARKS section 3), and any trace.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Workload } from '../workload.js';
import { recorded, traceName } from './recorded.js';
import type { WorkloadKind, WorkloadSetting } from './workload-kind.js';

/** The folder beside the project that may hold the traces; they are never part of it. */
export function standardTrace(file: string): string | null {
  const path = fileURLToPath(new URL(`../../../../../shared/traces/${file}`, import.meta.url));
  return existsSync(path) ? path : null;
}

const MOONCAKE = 'mooncake_conversation.runs.jsonl.gz';
const WEKA = 'weka_cc_agentic_pub.runs.jsonl.gz';

export const RECORDED_WORKLOADS: readonly WorkloadKind[] = [
  {
    name: 'w2',
    about: 'mooncake conversation at 4 times its speed, open loop',
    trace: MOONCAKE,
    timeScale: 4,
    create: ({ trace, timeScale, closed }) =>
      recorded('w2', `mooncake conversation at ${timeScale} times its speed`, {
        file: trace ?? MOONCAKE,
        timeScale,
        closed,
      }),
  },
  {
    name: 'w3',
    about: '110 Claude-Code sessions, closed loop, 0.25 sessions/s',
    trace: WEKA,
    timeScale: 2.5,
    create: ({ trace, timeScale }) =>
      recorded('w3', `weka agentic sessions, closed loop, ${0.1 * timeScale} sessions/s`, {
        file: trace ?? WEKA,
        timeScale,
        closed: true,
      }),
  },
  {
    name: 'weka-64',
    about: "llm-d's weka_traces: 64 sessions at once, gaps of at most 1 s",
    trace: WEKA,
    timeScale: 1,
    create: ({ trace, timeScale }) =>
      recorded('weka-64', 'weka agentic sessions, 64 at once, gaps of at most 1 s', {
        file: trace ?? WEKA,
        timeScale,
        closed: true,
        thinkMaxSeconds: 1,
        concurrentSessions: 64,
      }),
  },
];

/** A trace that is none of the standard workloads. */
export function tracedWorkload(file: string, { timeScale, closed }: WorkloadSetting): Workload {
  const name = traceName(file);
  return recorded(name, `${name} at ${timeScale} times its speed`, { file, timeScale, closed });
}
