// Subscribes to an engine's events and keeps what they say its cache holds, counting copies.
import type { TestContext } from 'node:test';
import { Subscriber } from 'zeromq';
import { decodeBatch, type EventBatch } from '../../src/events/event-decoder.js';
import type { EngineRank } from '../../src/sim/engine-rank.js';
import { waitFor } from './wait-for.js';

/** An engine, or one of its ranks. */
type Source = Pick<EngineRank, 'kvEvents' | 'sendEventFrames' | 'blockHashes'>;

export class EventListener {
  readonly batches: EventBatch[] = [];
  readonly sequences: bigint[] = [];
  readonly topics = new Set<string>();
  private readonly copies = new Map<bigint, number>();
  private joined = false;
  private readonly socket = new Subscriber();

  /** Resolves when the subscription has reached the engine, so that no later event is missed. */
  static async subscribe(context: TestContext, sim: Source): Promise<EventListener> {
    const listener = new EventListener();
    context.after(() => listener.socket.close());
    listener.socket.subscribe('');
    listener.socket.connect(sim.kvEvents ?? '');
    void listener.read();
    await waitFor('the subscription', () => {
      if (!listener.joined) sim.sendEventFrames([Buffer.from('probe')]);
      return listener.joined;
    });
    return listener;
  }

  /** Blocks that the events leave in the cache. */
  get held(): Set<bigint> {
    return new Set(this.copies.keys());
  }

  async untilHeldEquals(sim: Source): Promise<void> {
    await waitFor('events that equal the cache', () => {
      const wanted = sim.blockHashes();
      return wanted.size === this.copies.size && [...wanted].every((hash) => this.copies.has(hash));
    });
  }

  private async read(): Promise<void> {
    for await (const [topic, sequence, payload] of this.socket) {
      this.joined = true;
      if (topic === undefined || sequence === undefined || payload === undefined) continue;
      this.topics.add(topic.toString());
      this.sequences.push(sequence.readBigInt64BE());
      const batch = decodeBatch(payload);
      this.batches.push(batch);
      for (const event of batch.events) {
        if (event.type === 'AllBlocksCleared') this.copies.clear();
        else if (event.type === 'BlockStored') this.count(event.blockHashes, 1);
        else this.count(event.blockHashes, -1);
      }
    }
  }

  private count(hashes: BigUint64Array, change: number): void {
    for (const hash of hashes) {
      const copies = (this.copies.get(hash) ?? 0) + change;
      if (copies === 0) this.copies.delete(hash);
      else this.copies.set(hash, copies);
    }
  }
}
