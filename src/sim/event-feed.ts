// EventFeed: from what happens in an engine's block pool to batches on its publisher.
import type { BlockEvent } from './block-events.js';
import { EventEncoder, type EventSchema } from './event-encoder.js';
import type { EventPublisher } from './event-publisher.js';
import type { TokenSequence } from './token-sequence.js';
import { WireEvents } from './wire-events.js';

export interface FeedOptions {
  readonly schema: EventSchema;
  readonly hashesAsBytes: boolean;
  readonly dataParallelRank: number;
}

export class EventFeed {
  readonly publisher: EventPublisher;
  private readonly options: FeedOptions;
  private readonly encoder: EventEncoder;
  private wire: WireEvents;

  constructor(publisher: EventPublisher, options: FeedOptions) {
    this.publisher = publisher;
    this.options = options;
    this.encoder = new EventEncoder(options.schema);
    this.wire = newWireEvents(options);
  }

  /** One batch for each step that has events. */
  push(events: readonly BlockEvent<TokenSequence>[]): void {
    const { dataParallelRank } = this.options;
    const batch = this.wire.convert(events);
    const nowMs = Date.now() + this.publisher.faults.clockOffsetMs;
    this.publisher.publish(this.encoder.encodeBatch(nowMs / 1000, batch, dataParallelRank));
  }

  /** The engine's pool is empty, and a new publisher numbers from 0. */
  restart(): void {
    this.wire = newWireEvents(this.options);
    this.publisher.restart();
  }
}

function newWireEvents({ hashesAsBytes }: FeedOptions): WireEvents {
  return new WireEvents({ hashesAsBytes, specKind: 'full_attention' });
}
