// What other routers have in flight at our engines, asked of each of them again and again. Without it
// a router sees their load only in the engines' metrics, a poll later.
import type { EndpointSlot, PeerLoad } from '../endpoint/endpoint.js';
import { log } from '../log.js';
import type { PeerClient } from './peer-client.js';
import type { PeerAddress, PeerList } from './peer-list.js';

/** Requests in flight and uncached prompt tokens that wait, by endpoint key. */
export type LoadEntry = readonly [key: string, requests: number, tokens: number];

/** `GET /peer/load`. */
export interface LoadReport {
  /** Tells a router that it has asked itself. */
  readonly instance: string;
  readonly endpoints: readonly LoadEntry[];
}

export interface LoadExchangeOptions {
  readonly peers: PeerList;
  readonly client: Pick<PeerClient, 'load'>;
  readonly instance: string;
  readonly intervalMs: number;
  /** Endpoints by key. */
  readonly slots: () => ReadonlyMap<string, EndpointSlot>;
  /** Sums over all peers; slots that are missing have nothing. */
  readonly onLoads: (loads: ReadonlyMap<EndpointSlot, PeerLoad>) => void;
}

/** A peer that has not answered for so many intervals counts as gone, and its load with it. */
const STALE_INTERVALS = 4;
const RESOLVE_MS = 5_000;

interface Peer {
  readonly address: PeerAddress;
  report: LoadReport | null;
  heardMs: number;
  asking: boolean;
  isSelf: boolean;
}

export class LoadExchange {
  readonly #options: LoadExchangeOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #timer: NodeJS.Timeout;
  #resolvedMs = Number.NEGATIVE_INFINITY;

  constructor(options: LoadExchangeOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#round(), options.intervalMs);
    this.#timer.unref();
  }

  /** Other routers heard of lately. */
  get peerCount(): number {
    const now = performance.now();
    return [...this.#peers.values()].filter((peer) => this.#isFresh(peer, now)).length;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #round(): void {
    const now = performance.now();
    if (now - this.#resolvedMs >= RESOLVE_MS) {
      this.#resolvedMs = now;
      // It never rejects.
      void this.#resolve();
    }
    for (const peer of this.#peers.values()) {
      if (!peer.asking && !peer.isSelf) void this.#ask(peer);
    }
    this.#sum(now);
  }

  async #resolve(): Promise<void> {
    const found = await this.#options.peers.resolve();
    const urls = new Set(found.map(({ url }) => url));
    for (const url of this.#peers.keys()) if (!urls.has(url)) this.#peers.delete(url);
    for (const address of found) {
      const { url } = address;
      const known = this.#peers.get(url);
      // Another router may have got the address that was ours.
      if (known !== undefined) known.isSelf = false;
      else
        this.#peers.set(url, { address, report: null, heardMs: 0, asking: false, isSelf: false });
    }
  }

  async #ask(peer: Peer): Promise<void> {
    const { client, intervalMs, instance } = this.#options;
    peer.asking = true;
    try {
      const report = readReport(await client.load(peer.address, intervalMs * STALE_INTERVALS));
      peer.isSelf = report.instance === instance;
      peer.report = peer.isSelf ? null : report;
      peer.heardMs = performance.now();
    } catch (error) {
      log.debug('peer did not tell its load', { peer: peer.address.url, reason: String(error) });
    } finally {
      peer.asking = false;
    }
  }

  #sum(now: number): void {
    const slots = this.#options.slots();
    const sums = new Map<EndpointSlot, PeerLoad>();
    const counted = new Set<string>();
    for (const peer of this.#peers.values()) {
      // One router may be known under two addresses.
      if (peer.report === null || !this.#isFresh(peer, now)) continue;
      if (counted.has(peer.report.instance)) continue;
      counted.add(peer.report.instance);
      for (const [key, requests, tokens] of peer.report.endpoints) {
        const slot = slots.get(key);
        if (slot === undefined) continue;
        const sum = sums.get(slot) ?? { requests: 0, tokens: 0 };
        sums.set(slot, { requests: sum.requests + requests, tokens: sum.tokens + tokens });
      }
    }
    this.#options.onLoads(sums);
  }

  #isFresh({ report, heardMs }: Peer, now: number): boolean {
    return report !== null && now - heardMs <= this.#options.intervalMs * STALE_INTERVALS;
  }
}

/** Throws when the answer is none. */
function readReport(answer: unknown): LoadReport {
  if (typeof answer !== 'object' || answer === null) throw new Error('no load report');
  const { instance, endpoints }: { instance?: unknown; endpoints?: unknown } = answer;
  if (typeof instance !== 'string' || !Array.isArray(endpoints)) throw new Error('no load report');
  return { instance, endpoints: endpoints.filter(isEntry) };
}

function isEntry(entry: unknown): entry is LoadEntry {
  if (!Array.isArray(entry)) return false;
  const [key, requests, tokens]: unknown[] = entry;
  return typeof key === 'string' && isCount(requests) && isCount(tokens);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
