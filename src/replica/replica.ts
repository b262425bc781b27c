// One router among several of a service: what it takes from its peers and its own last run, and what
// it tells them.
import { randomUUID } from 'node:crypto';
import type { EndpointSlot, PeerLoad } from '../endpoint/endpoint.js';
import type { EventSource } from '../events/event-messages.js';
import type { EventThread } from '../events/event-thread.js';
import { endpointKey } from '../events/snapshot-messages.js';
import { log } from '../log.js';
import { LoadExchange } from './load-exchange.js';
import type { PeerApi } from './peer-api.js';
import { PeerClient } from './peer-client.js';
import { PeerList } from './peer-list.js';
import { writeSnapshot } from './snapshot-writer.js';
import { StateFile } from './state-file.js';
import { warmStart } from './warm-start.js';

export interface ReplicaOptions {
  /** Admin ports of peers; may be empty. */
  readonly peers: readonly string[];
  /** Of this router's own admin port. */
  readonly adminPort: number;
  /** Shown to peers whose admin port asks for a key; null: none. */
  readonly peerKey: () => string | null;
  /** PEM text, whom peers' certificates may come from; null: Node's own list. */
  readonly ca: string | null;
  /** Folder of the snapshot that outlives this process; null: none. */
  readonly stateDir: string | null;
  /** Between two looks at each peer's load; 0: never. */
  readonly loadIntervalMs: number;
  readonly software: string;
  readonly thread: EventThread;
  /** Endpoints as of now. */
  readonly sources: () => readonly EventSource[];
  /** Requests and tokens that this router itself has at an endpoint. */
  readonly ownLoad: (slot: EndpointSlot) => PeerLoad;
  readonly onLoads: (loads: ReadonlyMap<EndpointSlot, PeerLoad>) => void;
  /** Why no peer should take our index over now, or null. */
  readonly unready: () => string | null;
}

/** Of the time an orchestrator leaves a process that stops. */
const WRITE_MS = 15_000;

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #instance = randomUUID();
  readonly #peers: PeerList;
  readonly #client: PeerClient;
  readonly #file: StateFile | null;
  #exchange: LoadExchange | null = null;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#peers = new PeerList(options.peers, options.adminPort);
    this.#client = new PeerClient(options.peerKey, options.ca);
    this.#file = options.stateDir === null ? null : new StateFile(options.stateDir);
  }

  /** To be called before events are followed; never rejects. */
  async start(): Promise<void> {
    const { thread, sources, loadIntervalMs, onLoads } = this.#options;
    const [peers, client] = [this.#peers, this.#client];
    await warmStart({ thread, sources: sources(), peers, client, file: this.#file });
    if (peers.isEmpty || loadIntervalMs === 0) return;
    this.#exchange = new LoadExchange({
      ...{ peers, client, instance: this.#instance, intervalMs: loadIntervalMs, onLoads },
      slots: () => new Map(sources().map((source) => [endpointKey(source), source.slot])),
    });
  }

  get api(): PeerApi {
    const { unready, thread, software } = this.#options;
    return {
      unready,
      snapshot: () => writeSnapshot(thread, software),
      load: () => ({ instance: this.#instance, endpoints: this.#ownLoads() }),
    };
  }

  /** Rejects with ConfigError where the index could not be written down. */
  async prepare(): Promise<void> {
    await this.#file?.prepare();
  }

  /** Writes the index down for the next start, if a folder is configured. Never rejects. */
  async save(): Promise<void> {
    const file = this.#file;
    if (file === null) return;
    const { thread, software } = this.#options;
    const begunMs = performance.now();
    try {
      await file.write(within(writeSnapshot(thread, software), WRITE_MS));
      const milliseconds = Math.round(performance.now() - begunMs);
      log.info('prefix index written', { file: file.path, milliseconds });
    } catch (error) {
      log.error('prefix index not written', { file: file.path, reason: String(error) });
    }
  }

  async close(): Promise<void> {
    this.#exchange?.close();
    await this.#client.close();
  }

  #ownLoads() {
    return this.#options.sources().flatMap((source) => {
      const { requests, tokens } = this.#options.ownLoad(source.slot);
      return requests === 0 && tokens === 0
        ? []
        : [[endpointKey(source), requests, tokens] as const];
    });
  }
}

/** Stops in the middle when the time is over. */
async function* within(chunks: AsyncGenerator<Buffer>, milliseconds: number) {
  const deadline = performance.now() + milliseconds;
  for await (const chunk of chunks) {
    if (performance.now() > deadline) throw new Error(`it took more than ${milliseconds} ms`);
    yield chunk;
  }
}
