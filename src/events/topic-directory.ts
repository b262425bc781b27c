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
  /** Unknown topics, by when they were first seen; null: reported. */
  readonly #unknown = new Map<string, number | null>();
  readonly #onUnknown: (topic: string) => void;
  readonly #nowMs: () => number;

  constructor(onUnknown: (topic: string) => void, nowMs: () => number) {
    this.#onUnknown = onUnknown;
    this.#nowMs = nowMs;
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
    if (found === null) this.#report(topic);
    else if (this.#unknown.size > 0) this.#unknown.delete(topic);
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

  #report(topic: string): void {
    const since = this.#unknown.get(topic);
    if (since === undefined) {
      if (this.#unknown.size < TOPICS_MAX) this.#unknown.set(topic, this.#nowMs());
    } else if (since !== null && this.#nowMs() - since >= GRACE_MS) {
      this.#unknown.set(topic, null);
      this.#onUnknown(topic);
    }
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
