// A workload by name: what makes it, at any load.
import type { Workload } from '../workload.js';

export interface WorkloadSetting {
  readonly seed: number;
  /** Recorded time runs faster by this; of a generated workload, the load as a multiple of its own. */
  readonly timeScale: number;
  /** Where the trace is; null: the workload is generated. */
  readonly trace: string | null;
  readonly closed: boolean;
}

export interface WorkloadKind {
  readonly name: string;
  readonly about: string;
  /** File of the standard trace; null: generated. */
  readonly trace: string | null;
  /** The workload is meant to be run at this scale. */
  readonly timeScale: number;
  create(setting: WorkloadSetting): Workload;
}

/** A workload that needs no trace. */
export function generated(
  name: string,
  about: string,
  make: (name: string, about: string, seed: number, scale: number) => Workload,
): WorkloadKind {
  const create = ({ seed, timeScale, closed }: WorkloadSetting): Workload => {
    const workload = make(name, about, seed, timeScale);
    return { ...workload, closed: workload.closed || closed };
  };
  return { name, about, trace: null, timeScale: 1, create };
}
