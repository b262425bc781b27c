// The event thread's part in snapshots: slices of the index between batches of events, and where every
// stream stood when the last slice was written.
import { type NativeSnapshotIndex, native } from '../native.js';
import type { EndpointFeed } from './endpoint-feed.js';
import {
  type EndpointPosition,
  type ExportCommand,
  type ExportStep,
  endpointKey,
  type ImportCommand,
} from './snapshot-messages.js';

/** What a new feed begins with: the blocks of its endpoint are in the index as of this position. */
export interface KnownPosition {
  readonly position: EndpointPosition;
  readonly writtenMs: number;
}

/** What a snapshot says of an endpoint's stream comes from its feed. */
export type SnapshotFeed = Pick<EndpointFeed, 'source' | 'position'>;

const TOO_MUCH_CHANGED = 'the index changed faster than it could be written down';

export class SnapshotDesk {
  readonly #index: NativeSnapshotIndex;
  readonly #feeds: () => readonly SnapshotFeed[];
  /** Endpoints of the export under way, by slot, with their epoch: a slot may change hands. */
  #exported = new Map<number, number>();
  #last = false;
  #imported = new Set<number>();
  readonly #known = new Map<number, KnownPosition>();

  constructor(index: NativeSnapshotIndex, feeds: () => readonly SnapshotFeed[]) {
    this.#index = index;
    this.#feeds = feeds;
    // What a thread that died had under way.
    index.cancelExport();
    index.endImport();
  }

  export({ step }: ExportCommand): ExportStep {
    switch (step) {
      case 'begin':
        return this.#begin();
      case 'next':
        return this.#last ? this.#end() : this.#next();
      case 'cancel':
        this.#index.cancelExport();
        return { kind: 'failed', reason: 'cancelled' };
    }
  }

  /** Why the import cannot go on; null: it can. */
  import(command: ImportCommand): string | null {
    switch (command.type) {
      case 'import-begin':
        this.#imported = new Set([...command.places].filter((slot) => slot < native.maxEndpoints));
        this.#index.beginImport(command.blocks, command.places);
        return null;
      case 'import-slice':
        return this.#index.importSlice(command.slice);
      case 'import-end': {
        this.#index.endImport();
        const { endpoints, writtenMs } = command;
        for (const position of endpoints) this.#known.set(position.slot, { position, writtenMs });
        const missing = [...this.#imported].filter((slot) => !this.#known.has(slot));
        for (const slot of missing) this.#index.clear(slot, null);
        this.#imported.clear();
        return null;
      }
    }
  }

  /** What a snapshot said of the endpoint in this slot; only the first that asks is told. */
  claim(slot: number): KnownPosition | null {
    const known = this.#known.get(slot) ?? null;
    this.#known.delete(slot);
    return known;
  }

  #begin(): ExportStep {
    if (!this.#index.beginExport()) {
      return { kind: 'failed', reason: 'another snapshot is being written' };
    }
    this.#last = false;
    const sources = this.#feeds().map(({ source }) => source);
    this.#exported = new Map(sources.map(({ slot, epoch }) => [slot, epoch]));
    const endpoints = sources.map((source) => ({ slot: source.slot, key: endpointKey(source) }));
    return { kind: 'begun', blocks: this.#index.stats().blocks, endpoints };
  }

  #next(): ExportStep {
    const written = this.#index.exportSlice();
    if (written === null) return { kind: 'failed', reason: TOO_MUCH_CHANGED };
    this.#last = written.last;
    return { kind: 'slice', slice: written.slice };
  }

  /** One step without a pause: blocks and positions are of the same moment. More may have changed
   * since the last slice than one step can write. */
  #end(): ExportStep {
    const written = this.#index.exportSlice();
    if (written === null) return { kind: 'failed', reason: TOO_MUCH_CHANGED };
    if (!written.last) return { kind: 'slice', slice: written.slice };
    const rest = this.#index.finishExport();
    const endpoints: EndpointPosition[] = [];
    for (const feed of this.#feeds()) {
      const { slot, epoch } = feed.source;
      const position = this.#exported.get(slot) === epoch ? feed.position() : null;
      if (position !== null) endpoints.push(position);
    }
    return { kind: 'end', slice: Buffer.concat([written.slice, rest]), endpoints };
  }
}
