// Looks at a fleet through a router that is assembled but serves nobody: its own event thread, polls
// and tokenizers find out what they would find out in service.
import { setTimeout as delay } from 'node:timers/promises';
import type { Config, EndpointConfig, ModelConfig } from '../config/config.js';
import type { SourceState } from '../discovery/discovery.js';
import { hashPrompt } from '../prefix/block-hasher.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import { createForwarder, type Forwarder } from '../proxy/forwarder.js';
import type { Fleet } from '../router/fleet.js';
import type { LiveEndpoint } from '../router/live-endpoint.js';
import {
  portOf,
  portsThatMeetPublishers,
  replayAnswers,
  replayHas,
  surveySockets,
  waitingPublisher,
} from './event-survey.js';
import { askHealth, probePrompt, sendProbe } from './probe.js';
import { ProbeListener } from './probe-listener.js';
import { type EndpointSurvey, type FleetSurvey, freshBatches } from './survey.js';
import { surveyChatTokens, surveyCompletionTokens, type TokenSurveyor } from './token-survey.js';

export interface SurveyParts {
  readonly config: Config;
  readonly fleet: Fleet;
  readonly matcher: TokenSurveyor['matcher'];
  readonly index: PrefixIndex;
  readonly unknownTopics: () => readonly string[];
  readonly bindFailure: string | null;
  readonly sources: () => readonly SourceState[];
  readonly probes: boolean;
}

/** Time for replays of what engines have published before: 10,000 batches take a second. */
const LEARN_MS = 10_000;
/** And for connections to come about. */
const CONNECT_MS = 1000;
/** For the events of the probe, which come within a step. */
const EVENTS_MS = 3000;
const LOOK_MS = 20;
/** One prompt may wait behind others. */
const PROBE_MS = 30_000;
/** Engines looked at at a time. */
const AT_ONCE = 16;

type Place = readonly [model: ModelConfig, endpoint: EndpointConfig];

export async function surveyFleet(parts: SurveyParts): Promise<FleetSurvey> {
  const { config, fleet } = parts;
  const listener = new ProbeListener(fleet.all.map(({ endpoint }) => endpoint));
  const forwarder = createForwarder({ connectTimeoutMs: config.monitor.timeoutMs });
  try {
    await until(CONNECT_MS, () => listener.isConnected && fleet.all.every(hasBegun));
    await until(LEARN_MS, () => fleet.all.every(({ events }) => events?.isBeingRepaired === false));
    const places: Place[] = config.models.flatMap((model) =>
      fleet.all
        .filter(({ endpoint }) => endpoint.model === model.name)
        .map(({ endpoint }): Place => [model, endpoint]),
    );
    const first: EndpointSurvey[] = [];
    for (let at = 0; at < places.length; at += AT_ONCE) {
      const some = places.slice(at, at + AT_ONCE);
      first.push(
        ...(await Promise.all(some.map((place) => look(place, parts, forwarder, listener)))),
      );
    }
    const current = () => first.map((survey) => withEvents(survey, fleet));
    const isSilent = (survey: EndpointSurvey) => !hasSpoken(survey, listener);
    await until(EVENTS_MS, () => parts.unknownTopics().length > 0 || !current().some(isSilent));
    const attributed = await Promise.all(
      current().map((survey) => attribute(survey, parts, listener)),
    );
    const endpoints = await explainSilence(attributed, parts);
    return {
      models: config.models,
      bind: config.kvEvents.bind,
      bindFailure: parts.bindFailure,
      unknownTopics: parts.unknownTopics(),
      sources: parts.sources(),
      endpoints,
    };
  } finally {
    listener.close();
    await forwarder.close();
  }
}

async function look(
  [model, endpoint]: Place,
  parts: SurveyParts,
  forwarder: Forwarder,
  listener: ProbeListener,
): Promise<EndpointSurvey> {
  const { config, fleet, matcher, probes } = parts;
  const { timeoutMs } = config.monitor;
  const live = liveOf(fleet, endpoint);
  const before = live.events;
  const surveyor = { matcher, forwarder, timeoutMs, models: fleet.models().forPool };
  const [http, sockets, completionTokens, chatTokens] = await Promise.all([
    askHealth(forwarder, live, model, timeoutMs),
    surveySockets(endpoint, timeoutMs),
    surveyCompletionTokens(surveyor, endpoint.url, model),
    surveyChatTokens(surveyor, endpoint.url, model),
  ]);
  const replayIsThere = sockets.replay?.kind === 'socket' && sockets.replay.type === 'ROUTER';
  const { kvReplay } = endpoint;
  const answers =
    replayIsThere && kvReplay !== null ? await replayAnswers(kvReplay, timeoutMs) : null;
  const prompt = probes && http.status === 200 ? probePrompt(live) : null;
  if (prompt !== null) listener.expect(prompt);
  const probe = prompt === null ? null : await sendProbe(forwarder, live, model, prompt, PROBE_MS);
  const events = {
    ...sockets,
    connectsHere: false,
    waitsAt: null,
    replayAnswers: answers,
    probeSeenAt: [],
    replayHasProbe: null,
  };
  const { metrics, models } = live;
  const facts = { endpoint, model, http, metrics, models, probe, completionTokens, chatTokens };
  return { ...facts, events: { ...events, before, after: before } };
}

function withEvents(survey: EndpointSurvey, fleet: Fleet): EndpointSurvey {
  const after = liveOf(fleet, survey.endpoint).events;
  return { ...survey, events: { ...survey.events, after } };
}

/** Whose events told of the probe, and whether the replay tells of it as well. */
async function attribute(
  survey: EndpointSurvey,
  parts: SurveyParts,
  listener: ProbeListener,
): Promise<EndpointSurvey> {
  const { endpoint, events, probe } = survey;
  if (probe === null || probe.status !== 200) return survey;
  const probeSeenAt = [...listener.heardAt(probe.tokens), ...holdersOf(probe.tokens, parts)];
  const mayAsk = freshBatches(events) > 0 && events.replayAnswers === true;
  const replayHasProbe =
    mayAsk && endpoint.kvReplay !== null
      ? await replayHas(endpoint.kvReplay, probe.tokens, parts.config.monitor.timeoutMs)
      : null;
  return { ...survey, events: { ...events, probeSeenAt, replayHasProbe } };
}

/** Names of the endpoints without an address of their own that are credited with a prompt's first block. */
function holdersOf(tokens: Uint32Array, { fleet, index }: SurveyParts): readonly string[] {
  return fleet.all.flatMap(({ endpoint: { name, slot, kvEvents }, events }) => {
    if (events?.settings == null || kvEvents !== null) return [];
    const triples = index.match(hashPrompt(tokens, events.settings).subarray(0, 1));
    // Others may hash otherwise: a hit says something of this endpoint only.
    return triples.some((value, i) => i % 3 === 0 && value === slot) ? [name] : [];
  });
}

/** Nothing more is to be expected of it. */
function hasSpoken(survey: EndpointSurvey, listener: ProbeListener): boolean {
  const { probe, events, metrics } = survey;
  if (probe === null || probe.status !== 200 || metrics?.prefixCaching === false) return true;
  const { publisher, after } = events;
  if (publisher !== null && (publisher.kind !== 'socket' || publisher.type !== 'PUB')) return true;
  const isHeard = publisher === null || listener.heardAt(probe.tokens).length > 0;
  return isHeard && freshBatches(events) > 0 && after?.settings != null;
}

/** Where else the publishers of silent engines may be. */
async function explainSilence(
  surveys: readonly EndpointSurvey[],
  { config, bindFailure }: SurveyParts,
): Promise<EndpointSurvey[]> {
  const { bind } = config.kvEvents;
  const refused = (survey: EndpointSurvey) => survey.events.publisher?.kind === 'unreachable';
  const ports = surveys.filter(refused).map(({ endpoint }) => portOf(endpoint.kvEvents ?? ''));
  const met = await portsThatMeetPublishers(new Set(ports.filter((port) => port !== null)));
  return Promise.all(
    surveys.map(async (survey) => {
      const { endpoint, events, http } = survey;
      const port = portOf(endpoint.kvEvents ?? '');
      const connectsHere = refused(survey) && port !== null && met.has(port);
      const isSilent =
        endpoint.kvEvents === null && http.status === 200 && freshBatches(events) === 0;
      const waitsAt =
        isSilent && bind !== null && bindFailure === null
          ? await waitingPublisher(endpoint, bind, config.monitor.timeoutMs)
          : null;
      return { ...survey, events: { ...events, connectsHere, waitsAt } };
    }),
  );
}

function liveOf(fleet: Fleet, { name }: EndpointConfig): LiveEndpoint {
  const live = fleet.all.find(({ endpoint }) => endpoint.name === name);
  if (live === undefined) throw new Error(`endpoint ${name} is configured but not in the fleet`);
  return live;
}

/** It has begun to learn, or never will: central engines connect when they like. */
function hasBegun({ events, endpoint }: LiveEndpoint): boolean {
  return events !== null && (endpoint.kvEvents === null || events.connected);
}

async function until(limitMs: number, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition() && performance.now() < deadline) await delay(LOOK_MS);
}
