// VirtualIndex: the native prefix index, kept by the events of a virtual fleet.
import { EventApplier } from '../events/event-applier.js';
import { TIER } from '../native.js';
import { PrefixIndex } from '../prefix/prefix-index.js';
import type { BlockEvent } from './block-events.js';
import { hashesOf } from './block-sequence.js';
import type { FleetObserver } from './virtual-fleet.js';

export class VirtualIndex implements FleetObserver {
  private readonly index: PrefixIndex;
  private readonly appliers: EventApplier[] = [];

  constructor(maxBytes: number) {
    this.index = PrefixIndex.open({ maxBytes });
  }

  onEvents(slot: number, events: readonly BlockEvent[]): void {
    const applier = this.applier(slot);
    for (const event of events) {
      switch (event.kind) {
        case 'stored':
          applier.store(TIER.gpu, hashesOf(event.sequence, event.from, event.to), null);
          break;
        case 'removed':
          applier.remove(TIER.gpu, event.hashes);
          break;
        case 'cleared':
          applier.clear(TIER.gpu);
      }
    }
  }

  onRestart(slot: number): void {
    this.applier(slot).clear(null);
  }

  /** As NativePrefixIndex.match. */
  match(hashes: BigUint64Array, triples: Uint32Array): number {
    return this.index.native.match(hashes, triples);
  }

  close(): void {
    this.index.close();
  }

  private applier(slot: number): EventApplier {
    this.appliers[slot] ??= new EventApplier(this.index.native, slot);
    return this.appliers[slot];
  }
}
