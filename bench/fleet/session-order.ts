// SessionOrder: which requests come by the clock, and which wait for the answer before them.
import type { Workload } from './workload.js';

export class SessionOrder {
  /** Requests that come at their own time. */
  readonly timed: readonly number[];
  /** Of a closed loop: requests of each session that have not been sent. */
  private readonly following = new Map<number, number[]>();
  private readonly requests: Workload['requests'];

  constructor({ requests, closed }: Pick<Workload, 'requests' | 'closed'>) {
    const timed: number[] = [];
    this.requests = requests;
    for (const [index, { session }] of requests.entries()) {
      const queue = closed && session !== null ? this.following.get(session) : undefined;
      if (queue !== undefined) queue.push(index);
      else timed.push(index);
      if (closed && session !== null && queue === undefined) this.following.set(session, []);
    }
    this.timed = timed;
  }

  /** The request that follows now that `index` is over, after its `thinkUs`; null: none does. */
  after(index: number): number | null {
    const session = this.requests[index]?.session ?? null;
    const queue = session === null ? undefined : this.following.get(session);
    return queue?.shift() ?? null;
  }
}
