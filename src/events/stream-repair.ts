// The replays that repair one fault of a stream: asks again where replies were lost, starts over
// where another process answers.
import type { Counts } from './event-counts.js';
import { type ReplayKind, ReplayRun, type StreamContent } from './replay-run.js';
import type { SequenceTracker } from './sequence-tracker.js';

/** An engine's replay service. */
export interface ReplayService {
  /** Waits until this replay may run; the result says that it has. Many endpoints want one at once
   * when a router starts. */
  turn(): Promise<() => void>;
  /** Asks for the batches from `start` on; `offer` returns false to stop. `complete`: the end marker
   * came, or `offer` stopped it; `failed`: no answer, or one that broke off. */
  request(
    start: number,
    offer: (sequence: number, payload: Uint8Array) => boolean,
  ): Promise<'complete' | 'failed'>;
}

export interface Repair {
  readonly kind: ReplayKind;
  readonly cause: 'first' | 'connect' | 'gap' | 'restart' | 'relearn' | 'end';
  /** Why the endpoint is in doubt until it is done. */
  readonly reason: string;
}

export const LEARN: Repair = {
  kind: 'full',
  cause: 'first',
  reason: 'learning what the engine holds',
};
export const RELEARN: Repair = {
  kind: 'full',
  cause: 'relearn',
  reason: 'reading all batches again, keyed the other way',
};
export const COMPLETE: Repair = {
  kind: 'full',
  cause: 'relearn',
  reason: 'reading all batches again after many faults in a row',
};

export interface RepairedStream {
  readonly service: ReplayService;
  readonly tracker: SequenceTracker;
  readonly content: StreamContent;
  readonly counts: Counts;
  readonly isClosed: () => boolean;
  /** A new process answered: live messages at hand are its predecessor's, or will be replayed. */
  readonly otherProcess: () => void;
}

export interface RepairEnd {
  /** False: the service did not answer in full. */
  readonly complete: boolean;
  readonly appliedCount: number;
  /** Earlier batches must be read again. */
  readonly relearn: boolean;
}

/** Requests to fill one hole: a ROUTER may have dropped replies, the next request gets them. */
const HOLE_REQUESTS_MAX = 3;

export async function runRepair(repair: Repair, stream: RepairedStream): Promise<RepairEnd> {
  const { service, tracker, content, counts } = stream;
  let kind = repair.kind;
  let appliedCount = 0;
  let relearn = false;
  for (let requests = 1; ; requests += 1) {
    const run = new ReplayRun(tracker, content, kind);
    const answer = await service.request(run.start, (sequence, payload) => {
      return !stream.isClosed() && run.offer(sequence, payload);
    });
    appliedCount += run.appliedCount;
    relearn ||= run.relearn;
    if (stream.isClosed()) return { complete: false, appliedCount, relearn };
    switch (run.outcome(answer === 'complete')) {
      case 'done':
        return { complete: true, appliedCount, relearn };
      case 'failed':
        return { complete: false, appliedCount, relearn };
      case 'hole':
        kind = 'continue';
        if (run.appliedCount > 0 && requests < HOLE_REQUESTS_MAX) continue;
        run.acceptTail(`${repair.reason}; the replay has a hole`);
        return { complete: true, appliedCount: appliedCount + 1, relearn };
      case 'other-process':
        counts.restarts += 1;
        content.restarted();
        tracker.reset(null);
        stream.otherProcess();
        kind = 'full';
    }
  }
}
