// Flight: one request from its arrival to its end, over as many engines as it takes.
import { IdSequence } from '../../src/sim/block-sequence.js';
import type { EngineRequest, RequestListener } from '../../src/sim/engine-request.js';
import type { VirtualFleet } from '../../src/sim/virtual-fleet.js';
import type { FleetRequest, Placement } from './policy.js';
import type { WorkloadRequest } from './workload.js';

export type FlightOutcome = 'answered' | 'failed' | 'rejected';

/** What a flight needs of its run. The arrays have an entry for each request. */
export interface FlightControl {
  readonly fleet: VirtualFleet;
  readonly ttftUs: Float64Array;
  readonly e2eUs: Float64Array;
  readonly cachedTokens: Float64Array;
  readonly slots: Int32Array;
  /** Where request `index` goes; null: nowhere. */
  place(index: number, request: FleetRequest): Placement | null;
  /** Request `index` is over. */
  over(index: number, outcome: FlightOutcome): void;
}

/** Times a request that has no answer yet is sent. */
const ATTEMPTS = 3;

/** One request, sent again while it has no answer and its engine is gone. */
export class Flight implements RequestListener<IdSequence>, FleetRequest {
  readonly session: number | null;
  readonly promptTokens: number;
  readonly hashes: BigUint64Array;
  private readonly run: FlightControl;
  private readonly index: number;
  private readonly spec: WorkloadRequest;
  private readonly startUs: number;
  private attempts = 0;
  private placement: Placement | null = null;

  constructor(run: FlightControl, index: number, spec: WorkloadRequest, hashes: BigUint64Array) {
    this.run = run;
    this.index = index;
    this.spec = spec;
    this.session = spec.session;
    this.promptTokens = spec.promptTokens;
    this.hashes = hashes;
    this.startUs = run.fleet.clock.nowUs();
  }

  send(): void {
    const { run, spec, hashes, index } = this;
    this.attempts += 1;
    this.placement = run.place(index, this);
    if (this.placement === null) {
      run.over(index, 'rejected');
      return;
    }
    const { slot } = this.placement;
    const { promptTokens, outputTokens, answerId } = spec;
    const { blockSizeTokens } = run.fleet.optionsOf(slot);
    const sequence = new IdSequence(hashes, promptTokens, blockSizeTokens, answerId);
    run.slots[index] = slot;
    run.fleet
      .engine(slot)
      .submit({ sequence, promptTokens, outputTokens, countsTokens: true }, this);
  }

  onToken(request: EngineRequest, nowUs: number): void {
    const { run, index } = this;
    run.ttftUs[index] = nowUs - this.startUs;
    run.cachedTokens[index] = request.cachedTokens;
    this.placement?.firstToken();
  }

  onFinish(_request: EngineRequest, nowUs: number): void {
    this.run.e2eUs[this.index] = nowUs - this.startUs;
    this.placement?.end(true);
    this.run.over(this.index, 'answered');
  }

  onLost(request: EngineRequest): void {
    this.placement?.end(false);
    if (request.outputCount === 0 && this.attempts < ATTEMPTS) this.send();
    else this.run.over(this.index, 'failed');
  }
}
