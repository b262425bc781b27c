// EventPublisher: vLLM's ZMQ publisher of KV cache events, with its replay socket (VLLM.md 3.6-3.8).
import { Publisher, Router } from 'zeromq';
import { ConfigError } from '../errors.js';
import { log } from '../log.js';
import { addressOfRank, isBindAddress, reachableAddress } from './event-address.js';
import { type EventFaults, noEventFaults } from './event-faults.js';

export interface PublisherOptions {
  /** Address of the PUB socket as configured: bound or connected by vLLM's rule. */
  readonly endpoint: string;
  /** Address of the replay socket, always bound; null: no replay. */
  readonly replayEndpoint: string | null;
  readonly topic: string;
  readonly dataParallelRank: number;
  /** Batches kept for replay. */
  readonly bufferSteps: number;
  /** Replay messages carry the topic, as since vLLM 0.26. */
  readonly replayHasTopic: boolean;
}

/** vLLM's defaults. */
export const DEFAULT_BUFFER_STEPS = 10_000;
const HIGH_WATER_MARK = 100_000;
const MAX_QUEUE = 100_000;

const END_OF_REPLAY = -1n;
const EMPTY = Buffer.alloc(0);

interface Outgoing {
  readonly frames: readonly Buffer[];
  readonly dueMs: number;
}

export class EventPublisher {
  /** Where subscribers connect; in connect mode the address we connected to. */
  readonly address: string;
  readonly replayAddress: string | null;
  readonly faults: EventFaults = noEventFaults();
  private readonly options: PublisherOptions;
  private readonly topic: Buffer;
  private readonly publisher: Publisher;
  private readonly replay: Router | null;
  private sequence = 0;
  // Ring of the last `bufferSteps` batches, by sequence number.
  private history: (Buffer | undefined)[] = [];
  private queue: Outgoing[] = [];
  private sending = false;
  private closed = false;

  static async start(options: PublisherOptions): Promise<EventPublisher> {
    const { endpoint, replayEndpoint, dataParallelRank: rank } = options;
    const publisher = new Publisher({ sendHighWaterMark: HIGH_WATER_MARK, linger: 0 });
    // No mark on the replay socket: a ROUTER at its mark drops, and the ring bounds an answer.
    const replay = replayEndpoint === null ? null : new Router({ sendHighWaterMark: 0, linger: 0 });
    try {
      const address = addressOfRank(endpoint, rank);
      if (isBindAddress(address)) await bind(publisher, address);
      else publisher.connect(address);
      if (replay !== null && replayEndpoint !== null) {
        await bind(replay, addressOfRank(replayEndpoint, rank));
      }
    } catch (error) {
      publisher.close();
      replay?.close();
      throw error;
    }
    return new EventPublisher(options, publisher, replay);
  }

  private constructor(options: PublisherOptions, publisher: Publisher, replay: Router | null) {
    this.options = options;
    this.topic = Buffer.from(options.topic);
    this.publisher = publisher;
    this.replay = replay;
    this.address = reachableAddress(publisher.lastEndpoint ?? options.endpoint);
    this.replayAddress = replay === null ? null : reachableAddress(replay.lastEndpoint ?? '');
    if (replay !== null) void this.serveReplay(replay);
  }

  /** Number that the next batch gets. */
  get nextSequence(): number {
    return this.sequence;
  }

  publish(payload: Buffer): void {
    const sequence = this.sequence;
    this.sequence += 1;
    const { dropShare, dropFromHistory, silent, random } = this.faults;
    const dropped = dropShare > 0 && random() < dropShare;
    const kept = dropped && dropFromHistory ? undefined : payload;
    this.history[sequence % this.options.bufferSteps] = kept;
    if (dropped || silent) return;
    this.sendRaw([this.topic, sequenceFrame(BigInt(sequence)), payload]);
  }

  /** Sends frames as they are: what a broken or foreign publisher may send. */
  sendRaw(frames: readonly Buffer[]): void {
    if (this.closed) return;
    if (this.queue.length >= MAX_QUEUE) {
      log.warn('event queue is full, a batch is lost', { address: this.address });
      return;
    }
    this.queue.push({ frames, dueMs: performance.now() + this.faults.delayMs });
    if (!this.sending) void this.drain();
  }

  /** As a new process would begin: numbers from 0, nothing to replay. The sockets stay. */
  restart(): void {
    this.sequence = 0;
    this.history = [];
    this.queue = [];
  }

  close(): void {
    this.closed = true;
    this.queue = [];
    this.publisher.close();
    this.replay?.close();
  }

  /** One send at a time: a socket refuses a second one while the first is under way. */
  private async drain(): Promise<void> {
    this.sending = true;
    for (;;) {
      const next = this.queue[0];
      if (next === undefined || this.closed) break;
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        continue;
      }
      this.queue.shift();
      try {
        await this.publisher.send([...next.frames]);
      } catch (error) {
        if (!this.closed) log.warn('event batch not sent', { error: String(error) });
      }
    }
    this.sending = false;
  }

  private async serveReplay(socket: Router): Promise<void> {
    for await (const frames of socket) {
      const [identity, delimiter, start] = frames;
      const isRequest = frames.length === 3 && delimiter?.length === 0 && start?.length === 8;
      if (identity === undefined || start === undefined || !isRequest) {
        log.debug('malformed replay request ignored', { frames: frames.length });
        continue;
      }
      if (this.faults.replaySilent) continue;
      try {
        for (const answer of this.replayFrom(start.readBigInt64BE())) {
          await socket.send([identity, ...answer]);
        }
      } catch (error) {
        if (!this.closed) log.warn('replay broke off', { error: String(error) });
      }
    }
  }

  private replayFrom(start: bigint): readonly (readonly Buffer[])[] {
    const { bufferSteps } = this.options;
    const { replayTwice, replayReversed } = this.faults;
    const oldest = Math.max(0, this.sequence - bufferSteps);
    const first = start > BigInt(oldest) ? start : BigInt(oldest);
    const answers: (readonly Buffer[])[] = [];
    for (let sequence = first; sequence < BigInt(this.sequence); sequence += 1n) {
      const payload = this.history[Number(sequence) % bufferSteps];
      if (payload === undefined) continue;
      const answer = this.replayMessage(this.topic, sequence, payload);
      answers.push(answer);
      if (replayTwice) answers.push(answer);
    }
    if (replayReversed) answers.reverse();
    answers.push(this.replayMessage(EMPTY, END_OF_REPLAY, EMPTY));
    return answers;
  }

  private replayMessage(topic: Buffer, sequence: bigint, payload: Buffer): readonly Buffer[] {
    const message = [sequenceFrame(sequence), payload];
    return this.options.replayHasTopic ? [EMPTY, topic, ...message] : [EMPTY, ...message];
  }
}

function sequenceFrame(sequence: bigint): Buffer {
  const frame = Buffer.allocUnsafe(8);
  frame.writeBigInt64BE(sequence);
  return frame;
}

async function bind(socket: Publisher | Router, address: string): Promise<void> {
  try {
    await socket.bind(address);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`cannot bind event address ${address}: ${reason}`);
  }
}
