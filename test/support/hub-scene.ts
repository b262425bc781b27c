// An event hub over an index of its own, and an engine that publishes to it.
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { EventHub, type HubOptions } from '../../src/events/event-hub.js';
import type { EventReport, EventState } from '../../src/events/event-messages.js';
import { TIER } from '../../src/native.js';
import { type EngineOptions, EventEngine } from './event-engine.js';
import { NaivePrefixIndex } from './naive-prefix-index.js';
import { waitFor } from './wait-for.js';

export const SLOT = 3;

export async function startEngine(
  t: TestContext,
  options: EngineOptions = {},
): Promise<EventEngine> {
  const engine = await EventEngine.start(options);
  t.after(() => engine.close());
  return engine;
}

export async function startHub(t: TestContext, options: Partial<HubOptions> = {}) {
  const index = new NaivePrefixIndex();
  const reports: EventReport[] = [];
  const hub = new EventHub({
    data: { indexId: 0, bind: null, topicPrefix: 'kv@' },
    index,
    report: (report) => void reports.push(report),
    replayIdleMs: 500,
    ...options,
  });
  t.after(() => hub.close());
  await hub.start();
  const stateOf = (slot = SLOT): EventState | undefined =>
    reports
      .flatMap((report) => (report.type === 'state' ? report.states : []))
      .findLast((state) => state.slot === slot);
  const trusted = (trust: string, slot = SLOT) =>
    waitFor(`trust ${trust}`, () => stateOf(slot)?.trust === trust);
  const holds = (hashes: readonly bigint[], slot = SLOT) => {
    const wanted = [...hashes].sort((a, b) => (a < b ? -1 : 1)).join();
    return waitFor(`blocks ${wanted}`, () => index.hashesOf(slot, TIER.gpu).join() === wanted);
  };
  return { hub, index, reports, stateOf, trusted, holds };
}

/** Publishes empty batches until one arrives: a subscription reaches its publisher a little late. */
export async function settle(
  engine: EventEngine,
  stateOf: () => EventState | undefined,
): Promise<void> {
  while ((stateOf()?.counts.batches ?? 0) === 0) {
    engine.publish();
    await delay(20);
  }
}
