// VirtualRouter: the router's own decision in virtual time: index, prediction, booking, scheduler.
//
// What it leaves out is what turns a request into hashes, and the network. Endpoint slots are the
// slots of the virtual fleet.
import type { PeerLoad } from '../endpoint/endpoint.js';
import type { EngineMetrics } from '../endpoint/engine-metrics.js';
import { InflightLoad } from '../endpoint/inflight-load.js';
import { newCounts } from '../events/event-counts.js';
import type { EventState } from '../events/event-messages.js';
import { PredictedBlocks } from '../prefix/predicted-blocks.js';
import { PrefixHeat } from '../prefix/prefix-heat.js';
import { maxEndpoints } from '../prefix/prefix-index.js';
import { RoutingHistory } from '../prefix/routing-history.js';
import { type Choice, Chooser } from '../router/choice.js';
import { LiveEndpoint } from '../router/live-endpoint.js';
import { MatchScores } from '../router/match-scores.js';
import type { Scheduler } from '../scheduler/scheduler.js';
import type { MatchFound } from '../tokenizer/match-task.js';
import { matchPrompts } from '../tokenizer/prefix-match.js';
import type { BlockEvent } from './block-events.js';
import type { VirtualClock } from './clock.js';
import { VirtualIndex } from './virtual-index.js';
import { virtualTimers } from './virtual-timers.js';

export interface VirtualRouterOptions {
  readonly scheduler: Scheduler;
  readonly clock: VirtualClock;
  readonly blockSizeTokens: number;
  /** Whether requests in flight count for what they are about to store. */
  readonly predicts: boolean;
  readonly indexMaxBytes: number;
  readonly random: () => number;
}

export interface RoutedRequest {
  readonly promptTokens: number;
  /** Hashes of the prompt's full blocks. */
  readonly hashes: BigUint64Array;
}

/** A request on its way to an engine: what was booked for it is given back by `end`. */
export interface Routed {
  readonly slot: number;
  readonly choice: Choice;
  firstToken(): void;
  /** `succeeded` false: the engine is gone, or the client. */
  end(succeeded: boolean): void;
}

/** No request fails in virtual time, so health is never asked for. */
/** The default of `index.predictedTtlMs`. */
const PREDICTED_TTL_MS = 1000;
const THRESHOLDS = { failuresToUnhealthy: 3, successesToHealthy: 2 };

export class VirtualRouter {
  private readonly options: VirtualRouterOptions;
  private readonly index: VirtualIndex;
  private readonly inflight: InflightLoad;
  private readonly predicted: PredictedBlocks;
  private readonly chooser: Chooser;
  private readonly live: LiveEndpoint[] = [];
  private readonly scratch = new Uint32Array(3 * maxEndpoints);
  private readonly lookUp = (hashes: BigUint64Array, triples: Uint32Array) =>
    this.index.match(hashes, triples);
  private readonly models = { forPool: { version: 0, text: '[]' }, settingsOf: () => 0 };

  constructor(options: VirtualRouterOptions) {
    const { clock, scheduler, indexMaxBytes, random } = options;
    this.options = options;
    this.inflight = new InflightLoad(maxEndpoints, () => clock.nowUs() / 1000);
    this.index = new VirtualIndex(indexMaxBytes);
    this.predicted = new PredictedBlocks(PREDICTED_TTL_MS, virtualTimers(clock));
    const history = new RoutingHistory(() => clock.nowUs() / 1000, { indexBytes: 16 * 2 ** 20 });
    this.chooser = new Chooser({
      scheduler,
      scores: new MatchScores(),
      predicted: this.predicted,
      history,
      heat: new PrefixHeat(() => clock.nowUs() / 1000),
      random,
    });
  }

  endpoint(slot: number): LiveEndpoint {
    const known = this.live[slot];
    if (known !== undefined) return known;
    const live = new LiveEndpoint(endpointOf(slot), this.inflight, THRESHOLDS);
    live.hear(proven(slot));
    this.live[slot] = live;
    return live;
  }

  onMetrics(slot: number, metrics: EngineMetrics): void {
    this.endpoint(slot).learn({ metrics, models: null });
  }

  onEvents(slot: number, events: readonly BlockEvent[]): void {
    this.index.onEvents(slot, events);
  }

  onRestart(slot: number): void {
    this.index.onRestart(slot);
  }

  ownLoad(slot: number): PeerLoad {
    return { requests: this.inflight.requests(slot), tokens: this.inflight.tokens(slot) };
  }

  /** What its peers have in flight together. */
  hearPeers(slot: number, load: PeerLoad): void {
    this.endpoint(slot).hearPeers(load);
  }

  /** Chooses one of `slots` and books it. */
  route(request: RoutedRequest, slots: readonly number[]): Routed {
    const { chooser, inflight, predicted } = this;
    const { predicts, blockSizeTokens } = this.options;
    const found = this.match(request);
    const choice = chooser.choose(
      found,
      this.models,
      slots.map((slot) => this.endpoint(slot)),
    );
    chooser.assigned(choice);
    const { endpoint, matchedBlocks } = choice.target;
    const { slot } = endpoint;
    const uncached = request.promptTokens - matchedBlocks * blockSizeTokens;
    const booking = inflight.book(slot, {
      uncachedTokens: uncached,
      promptTokens: request.promptTokens,
      streams: true,
    });
    const fresh = predicts ? request.hashes.subarray(matchedBlocks) : NO_HASHES;
    const prediction = predicted.predict(slot, fresh);
    return {
      slot,
      choice,
      firstToken() {
        booking.firstToken();
        prediction.settle();
      },
      end(succeeded) {
        booking.end();
        if (!succeeded) prediction.cancel();
      },
    };
  }

  /** Nothing is booked on any endpoint: what went out has come back. */
  get isIdle(): boolean {
    return this.live.every(({ load }) => load.inflightRequests === 0 && load.inflightTokens === 0);
  }

  close(): void {
    this.index.close();
  }

  private match({ hashes, promptTokens }: RoutedRequest): MatchFound {
    const { blockSizeTokens } = this.options;
    // The last token is always computed anew.
    const hitLimits = [Math.min(hashes.length, Math.floor((promptTokens - 1) / blockSizeTokens))];
    const hashed = { hashes, promptStarts: FIRST, hitLimits };
    return {
      ok: true,
      model: MODEL,
      loraName: null,
      stream: true,
      maxTokens: null,
      promptTokens,
      priority: 0,
      skipsCacheRead: false,
      unmatched: null,
      question: null,
      rendered: null,
      tokens: null,
      texts: null,
      matches: [
        {
          settings: 0,
          blockCount: hashes.length,
          blockSizeTokens,
          hashes,
          promptStarts: FIRST,
          triples: matchPrompts(hashed, this.lookUp, this.scratch),
        },
      ],
      times: NO_TIMES,
    };
  }
}

const MODEL = 'virtual';
const FIRST = new Uint32Array(1);
const NO_HASHES = new BigUint64Array(0);
const NO_TIMES = { parseUs: 0, renderUs: 0, tokenizeUs: 0, hashUs: 0, matchUs: 0 };

function endpointOf(slot: number) {
  return {
    slot,
    epoch: 1,
    name: `engine-${slot}`,
    url: `http://engine-${slot}`,
    model: MODEL,
    kvEvents: null,
    kvReplay: null,
    dataParallelRank: null,
  };
}

/** Virtual engines announce the very hashes that requests carry. */
function proven(slot: number): EventState {
  return {
    slot,
    epoch: 1,
    trust: 'exact',
    reason: 'virtual',
    settings: null,
    connected: true,
    sequence: null,
    counts: newCounts(),
    lagSeconds: null,
    isBeingRepaired: false,
  };
}
