// Central mode: whose events a topic `kv@<id>@<model>` carries. Operators write the id as endpoint
// name, as host and port of the engine's URL, or as host alone (the pod's IP).
import { parseTopic } from './event-frames.js';
import type { EventSource } from './event-messages.js';

/** Topics remembered, known ones and reported ones: a sender can make up any number of them. */
const TOPICS_MAX = 10_000;
/** An engine may publish before its endpoint is known here, as at every start of the router. */
const GRACE_MS = 2_000;

export class TopicDirectory {
  readonly #sources = new Set<EventSource>();
  #known = new Map<string, readonly EventSource[]>();
  /** Topics reported, or about to be. */
  readonly #unknown = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #onUnknown: (topic: string) => void;

  constructor(onUnknown: (topic: string) => void) {
    this.#onUnknown = onUnknown;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  add(source: EventSource): void {
    this.#sources.add(source);
    this.#known.clear();
  }

  remove(source: EventSource): void {
    this.#sources.delete(source);
    this.#known.clear();
  }

  /** The endpoint that a batch of this topic and data-parallel rank (null: none given) is about. */
  find(topic: string, rank: number | null): EventSource | null {
    let candidates = this.#known.get(topic);
    if (candidates === undefined) {
      candidates = this.#candidates(topic);
      if (this.#known.size >= TOPICS_MAX) this.#known.clear();
      this.#known.set(topic, candidates);
    }
    const found = ofRank(candidates, rank);
    if (found === null) this.#suspect(topic, rank);
    return found;
  }

  #candidates(topic: string): readonly EventSource[] {
    const parsed = parseTopic(topic);
    if (parsed === null) return [];
    const { id, model } = parsed;
    const all = [...this.#sources];
    const named = all.filter(({ name }) => name === id);
    if (named.length > 0) return named;
    const reached = all.filter(({ host, port }) => sameAddress(id, host, port));
    if (reached.length > 0) return reached;
    // One host may run engines of several models; only the model tells them apart.
    const onHost = all.filter(({ host }) => bareHost(host) === bareHost(id));
    return onHost.filter((source) => model === '' || source.model === model);
  }

  #suspect(topic: string, rank: number | null): void {
    if (this.#unknown.has(topic) || this.#unknown.size >= TOPICS_MAX) return;
    this.#unknown.add(topic);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (ofRank(this.#candidates(topic), rank) !== null) this.#unknown.delete(topic);
      else this.#onUnknown(topic);
    }, GRACE_MS);
    timer.unref();
    this.#timers.add(timer);
  }
}

/** The one candidate that takes this rank; null when none does, or several do. */
function ofRank(candidates: readonly EventSource[], rank: number | null): EventSource | null {
  const exact = candidates.filter((source) => source.dataParallelRank === rank);
  if (exact.length === 1) return exact[0] ?? null;
  const taking = candidates.filter(
    ({ dataParallelRank }) => dataParallelRank === null || rank === null,
  );
  return taking.length === 1 ? (taking[0] ?? null) : null;
}

function sameAddress(id: string, host: string, port: number): boolean {
  const suffix = `:${port}`;
  return id.endsWith(suffix) && bareHost(id.slice(0, -suffix.length)) === bareHost(host);
}

/** IPv6 addresses are written with and without brackets. */
function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '').toLowerCase();
}
