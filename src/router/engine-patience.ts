// EnginePatience: whom to ask for prompts. An engine that failed rests, longer each time; one that is
// busy with many questions gets no more.
import type { LiveEndpoint } from './live-endpoint.js';

/** Questions that one engine works on at a time; rendering competes with its answers. */
const QUESTIONS_MAX = 32;
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 30_000;
/** An engine without a render route is asked for it again after this: it may have been replaced. */
const LACKS_RENDER_MS = 60_000;

interface Experience {
  asking: number;
  failures: number;
  restsUntilMs: number;
  lacksRenderUntilMs: number;
}

export class EnginePatience {
  readonly #experiences = new WeakMap<LiveEndpoint, Experience>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** The one to ask: with the fewest questions, then the fewest requests; null: none at present. */
  choose(
    endpoints: readonly LiveEndpoint[],
    asked: ReadonlySet<LiveEndpoint>,
  ): LiveEndpoint | null {
    let best: LiveEndpoint | null = null;
    for (const live of endpoints) {
      if (asked.has(live) || !this.#mayAsk(live)) continue;
      if (best === null || this.#burden(live) < this.#burden(best)) best = live;
    }
    return best;
  }

  lacksRender(live: LiveEndpoint): boolean {
    return this.#of(live).lacksRenderUntilMs > this.#nowMs();
  }

  begin(live: LiveEndpoint): void {
    this.#of(live).asking += 1;
  }

  end(
    live: LiveEndpoint,
    { failed, lacksRender }: { failed: boolean; lacksRender: boolean },
  ): void {
    const experience = this.#of(live);
    experience.asking -= 1;
    if (lacksRender) experience.lacksRenderUntilMs = this.#nowMs() + LACKS_RENDER_MS;
    if (failed) this.failed(live);
    else experience.failures = 0;
  }

  /** Also for an answer that turns out to be none. */
  failed(live: LiveEndpoint): void {
    const experience = this.#of(live);
    // Questions that were under way when the first one failed say nothing new.
    if (experience.restsUntilMs > this.#nowMs()) return;
    const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** experience.failures);
    experience.failures += 1;
    experience.restsUntilMs = this.#nowMs() + restMs;
  }

  #mayAsk(live: LiveEndpoint): boolean {
    const { asking, restsUntilMs } = this.#of(live);
    return asking < QUESTIONS_MAX && restsUntilMs <= this.#nowMs();
  }

  #burden(live: LiveEndpoint): number {
    return this.#of(live).asking * 1e6 + live.load.inflightRequests;
  }

  #of(live: LiveEndpoint): Experience {
    let experience = this.#experiences.get(live);
    if (experience === undefined) {
      experience = { asking: 0, failures: 0, restsUntilMs: 0, lacksRenderUntilMs: 0 };
      this.#experiences.set(live, experience);
    }
    return experience;
  }
}
