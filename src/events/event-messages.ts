// Messages between main and the event thread.
import type { EndpointSlot, Trust } from '../endpoint/endpoint.js';
import type { HashSettings } from '../prefix/hash-settings.js';
import type { ExportCommand, ExportStep, ImportCommand } from './snapshot-messages.js';

/** An engine's event stream. */
export interface EventSource {
  readonly slot: EndpointSlot;
  readonly name: string;
  /** Grows with every reuse of the slot: reports about an older epoch are stale. */
  readonly epoch: number;
  /** PUB address to connect to; null in central mode (the engine connects to us). */
  readonly connect: string | null;
  /** ROUTER address for replay; null: a gap cannot be repaired. */
  readonly replay: string | null;
  /** Host and port of the engine's URL: how a central topic `kv@<id>@<model>` names it. */
  readonly host: string;
  readonly port: number;
  readonly model: string;
  /** Only messages of this data-parallel rank are the endpoint's; null: all are. */
  readonly dataParallelRank: number | null;
  /** What is configured or was discovered; null fields are to be found from events. */
  readonly expected: {
    readonly algorithm: HashSettings['algorithm'] | null;
    /** PYTHONHASHSEED as configured; null: not set. */
    readonly seed: string | null;
    readonly blockSizeTokens: number | null;
  };
}

export interface EventThreadData {
  /** id of the native prefix index to write. */
  readonly indexId: number;
  /** Central mode: address to bind, and the topic prefix to subscribe to. */
  readonly bind: string | null;
  readonly topicPrefix: string;
  /** Slots of which a thread that died may have left blocks in the index: they are forgotten. */
  readonly inherited?: readonly EndpointSlot[];
}

export type EventCommand =
  | { readonly type: 'add'; readonly source: EventSource }
  | { readonly type: 'remove'; readonly slot: EndpointSlot }
  /** A sleep, reset or weight-update call went through us: its blocks are gone. */
  | {
      readonly type: 'clear';
      readonly slot: EndpointSlot;
      readonly reason: string;
      /** Also the blocks outside the GPU, which outlive most resets. */
      readonly everywhere: boolean;
    }
  /** Its metrics say when its process began, unix time in seconds. */
  | { readonly type: 'started'; readonly slot: EndpointSlot; readonly startedAt: number }
  /** Each is answered by a report `exported` or `imported`, in order. */
  | ExportCommand
  | ImportCommand
  | { readonly type: 'close' };

/** State of one endpoint's events; sent when it changes, at most every 100 ms, and less often when
 * only counters have changed and many endpoints are busy. */
export interface EventState {
  readonly slot: EndpointSlot;
  readonly epoch: number;
  readonly trust: Trust;
  /** Why trust is what it is, one sentence. */
  readonly reason: string;
  /** How requests must be hashed to match this endpoint; null while unknown. */
  readonly settings: HashSettings | null;
  readonly connected: boolean;
  /** Batches are being read again or may be missing: trust is low for that reason, and soon better. */
  readonly isBeingRepaired: boolean;
  /** Last sequence number applied; null before the first. */
  readonly sequence: number | null;
  readonly counts: EventCounts;
  /** Now minus the batch's own time stamp, when it was applied; null before the first. */
  readonly lagSeconds: number | null;
}

/** Totals since the endpoint was added. */
export interface EventCounts {
  /** Batches read, replayed ones included. */
  readonly batches: number;
  /** Events applied, by kind. */
  readonly stored: number;
  readonly removed: number;
  readonly cleared: number;
  /** Messages, batches or events that are not what they claim to be. */
  readonly malformed: number;
  /** Good events left out: another rank, a sparse group, an unknown kind, not to be keyed. */
  readonly ignored: number;
  readonly gaps: number;
  readonly restarts: number;
  readonly replays: number;
}

export type EventReport =
  | { readonly type: 'ready'; readonly boundTo: string | null }
  /** The index holds nothing of the endpoint any more: its slot may be given to another. */
  | { readonly type: 'removed'; readonly slot: EndpointSlot; readonly epoch: number }
  | { readonly type: 'state'; readonly states: readonly EventState[] }
  /** Central mode: a topic that names no endpoint, reported once a topic. */
  | { readonly type: 'unknown-topic'; readonly topic: string }
  | { readonly type: 'exported'; readonly step: ExportStep }
  /** `fault`: why the import cannot go on. */
  | { readonly type: 'imported'; readonly fault: string | null }
  /** The thread died, or could not be started again; it will be tried. */
  | { readonly type: 'failed'; readonly message: string };
