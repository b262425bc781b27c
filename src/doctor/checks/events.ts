// KV cache events reach the router.
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import { type EndpointSurvey, type FleetSurvey, freshBatches, isReachable } from '../survey.js';

const ENABLE =
  '--kv-events-config \'{"enable_kv_cache_events":true,"publisher":"zmq","endpoint":"tcp://*:5557","replay_endpoint":"tcp://*:5567"}\'';

export function checkEvents(survey: EndpointSurvey, fleet: FleetSurvey): Verdict {
  if (!isReachable(survey)) return unknown('see http');
  if (survey.metrics?.prefixCaching === false) return unknown('there are none: see prefix-caching');
  return survey.endpoint.kvEvents === null
    ? checkCentral(survey, fleet)
    : checkConnection(survey, survey.endpoint.kvEvents);
}

function checkConnection(survey: EndpointSurvey, address: string): Verdict {
  const { publisher, connectsHere } = survey.events;
  if (connectsHere) {
    return wrong(
      `the engine connects to us instead of waiting at ${address}`,
      "put a '*' into the endpoint of its --kv-events-config (tcp://*:5557), or leave kvEvents out and set kvEvents.bind",
    );
  }
  if (publisher === null || publisher.kind === 'unreachable') {
    return wrong(
      `nothing listens at ${address} (${publisher?.reason}): KV events are off, or at another port`,
      `start the engine with ${ENABLE}`,
    );
  }
  if (publisher.kind === 'foreign') {
    return wrong(
      `${address} is no event publisher: ${publisher.reason}`,
      "set kvEvents to the endpoint of the engine's --kv-events-config",
    );
  }
  if (publisher.type !== 'PUB' && publisher.type !== 'XPUB') {
    return wrong(
      `${address} is a ${publisher.type} socket, not a publisher`,
      publisher.type === 'ROUTER'
        ? 'it is the replay socket: kvEvents and kvReplay are swapped'
        : "set kvEvents to the endpoint of the engine's --kv-events-config",
    );
  }
  return checkFlow(survey, `connected to ${address}`);
}

function checkCentral(survey: EndpointSurvey, fleet: FleetSurvey): Verdict {
  const { bind, bindFailure, unknownTopics } = fleet;
  const { waitsAt } = survey.events;
  if (bindFailure !== null)
    return unknown('the address that engines connect to could not be bound');
  if (bind === null) {
    return wrong(
      'no event address is configured, so what the engine holds is only estimated',
      `set kvEvents of the endpoint, or kvEvents.bind; the engine needs ${ENABLE}`,
    );
  }
  if (freshBatches(survey.events) > 0) return ok(`events arrive at ${bind}`);
  if (waitsAt !== null) {
    return wrong(
      `the engine waits for connections at ${waitsAt} instead of connecting to ${bind}`,
      `set kvEvents: ${waitsAt} for the endpoint, or let the engine's endpoint name this router's address without '*'`,
    );
  }
  if (unknownTopics.length > 0) return unknown('see topic: events came that name no endpoint');
  return checkFlow(survey, `engines connect to ${bind}`);
}

function checkFlow(survey: EndpointSurvey, how: string): Verdict {
  const { probeSeenAt } = survey.events;
  const { name } = survey.endpoint;
  if (probeSeenAt.length > 0 && !probeSeenAt.includes(name)) {
    return wrong(
      `${how}, but what this engine stores is told at the event address of ${probeSeenAt.join(', ')}`,
      `kvEvents of ${name} and ${probeSeenAt.join(', ')} are mixed up: give each the address of its own engine`,
    );
  }
  if (freshBatches(survey.events) > 0) return ok(`${how}; events arrive`);
  if (survey.probe === null) {
    const batches = survey.events.after?.counts.batches ?? 0;
    return batches > 0 ? ok(`${how}; events arrived`) : unknown(`${how}; nothing was to be told`);
  }
  if (survey.probe.status !== 200) return unknown(`${how}; the probe failed, so nothing was told`);
  return wrong(
    `${how}, but a new prompt caused no event`,
    `KV events are off, or come under another topic: start the engine with ${ENABLE}`,
  );
}
