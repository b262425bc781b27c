// What was found out about a fleet: facts only, which the checks judge.
import type { EndpointConfig, ModelConfig } from '../config/config.js';
import type { SourceState } from '../discovery/discovery.js';
import type { EngineMetrics } from '../endpoint/engine-metrics.js';
import type { ServedModel } from '../endpoint/engine-poller.js';
import type { EventState } from '../events/event-messages.js';
import type { TokenDifference } from '../router/token-parity.js';
import type { ZmtpPeer } from './zmtp-peek.js';

export interface HttpFacts {
  /** Of GET /health; null: no answer. */
  readonly status: number | null;
  /** Why there is none. */
  readonly failure: string | null;
}

export interface EventFacts {
  /** At the configured event address; null: none is configured. */
  readonly publisher: ZmtpPeer | null;
  /** A publisher connected to this machine at the port of that address. */
  readonly connectsHere: boolean;
  /** Central mode: a publisher that waits for connections on the engine's own host. */
  readonly waitsAt: string | null;
  /** At the configured replay address; null: none is configured. */
  readonly replay: ZmtpPeer | null;
  /** Whether a replay was answered in full; null: not tried. */
  readonly replayAnswers: boolean | null;
  /** Endpoints at whose event address the probe was told of; empty while nobody told. */
  readonly probeSeenAt: readonly string[];
  /** Whether the replay has the batch that announced the probe; null: not tried. */
  readonly replayHasProbe: boolean | null;
  /** Before the probe, and some time after it. */
  readonly before: EventState | null;
  readonly after: EventState | null;
}

export interface ProbeFacts {
  /** 0: no answer. */
  readonly status: number;
  /** What the engine said when it refused; empty otherwise. */
  readonly message: string;
  /** The prompt, which no other engine has. */
  readonly tokens: Uint32Array;
  /** The answer's usage says how many tokens came from the cache. */
  readonly reportsCachedTokens: boolean;
}

/** null: they are equal. `engineSays`: it is the tokenizer itself, and makes so many tokens. */
export type TokenFacts =
  | { readonly difference: TokenDifference | null }
  | { readonly engineSays: number }
  | { readonly engineFails: string }
  | { readonly unavailable: string };

export interface EndpointSurvey {
  readonly endpoint: EndpointConfig;
  readonly model: ModelConfig;
  readonly http: HttpFacts;
  readonly metrics: EngineMetrics | null;
  readonly models: readonly ServedModel[] | null;
  readonly events: EventFacts;
  /** null: not sent. */
  readonly probe: ProbeFacts | null;
  readonly completionTokens: TokenFacts;
  readonly chatTokens: TokenFacts;
}

export interface FleetSurvey {
  readonly models: readonly ModelConfig[];
  /** Address that engines connect to; null: none. */
  readonly bind: string | null;
  /** Why it could not be bound; null: it could. */
  readonly bindFailure: string | null;
  /** Topics that came in and name no endpoint. */
  readonly unknownTopics: readonly string[];
  /** Where endpoints come from. */
  readonly sources: readonly SourceState[];
  readonly endpoints: readonly EndpointSurvey[];
}

/** Batches that came since the probe was sent. */
export function freshBatches({ before, after }: EventFacts): number {
  return (after?.counts.batches ?? 0) - (before?.counts.batches ?? 0);
}

/** The engine answers and is well: otherwise little else can be told of it. */
export function isReachable({ http }: EndpointSurvey): boolean {
  return http.status === 200;
}
