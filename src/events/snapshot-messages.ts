// Snapshots as main and the event thread talk of them.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import type { HashSettings } from '../prefix/hash-settings.js';

/** An endpoint of a snapshot, before its blocks: its slot there, and what it is known by anywhere. */
export interface SnapshotEndpoint {
  readonly slot: EndpointSlot;
  readonly key: string;
}

/** Where a publisher's stream stood: its last batch and that batch's own time. */
export interface StreamPosition {
  /** Data-parallel rank, 0 where there is one publisher. */
  readonly publisher: number;
  readonly sequence: number;
  readonly ts: number;
}

/** What else is known of an endpoint whose blocks a snapshot has in full. */
export interface EndpointPosition {
  readonly slot: EndpointSlot;
  readonly settings: HashSettings;
  /** Bits of the KV cache groups that are followed (group-filter.ts). */
  readonly groups: readonly number[];
  readonly streams: readonly StreamPosition[];
}

/** What the event thread answers to a step of an export. */
export type ExportStep =
  | {
      readonly kind: 'begun';
      readonly blocks: number;
      readonly endpoints: readonly SnapshotEndpoint[];
    }
  | { readonly kind: 'slice'; readonly slice: Uint8Array }
  /** The last slice, and where the streams stood at that moment. Endpoints that are missing are in
   * doubt, or keyed by token ids: what the slices say of them does not count. */
  | {
      readonly kind: 'end';
      readonly slice: Uint8Array;
      readonly endpoints: readonly EndpointPosition[];
    }
  | { readonly kind: 'failed'; readonly reason: string };

export type ExportCommand = { readonly type: 'export'; readonly step: 'begin' | 'next' | 'cancel' };

export type ImportCommand =
  | {
      readonly type: 'import-begin';
      readonly blocks: number;
      /** By slot in the snapshot: the slot here, or a number that is none. */
      readonly places: Uint16Array;
    }
  | { readonly type: 'import-slice'; readonly slice: Uint8Array }
  | {
      readonly type: 'import-end';
      /** Slots are those of this process. Slots that were named before and are missing here are
       * forgotten. */
      readonly endpoints: readonly EndpointPosition[];
      /** Unix time of the snapshot. */
      readonly writtenMs: number;
    };

/** How an endpoint is known to any router that follows it. */
export function endpointKey(endpoint: {
  readonly model: string;
  readonly host: string;
  readonly port: number;
  readonly dataParallelRank: number | null;
}): string {
  const { model, host, port, dataParallelRank } = endpoint;
  return JSON.stringify([model, host, port, dataParallelRank]);
}
