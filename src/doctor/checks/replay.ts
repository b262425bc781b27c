// A lost event can be had again.
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import { type EndpointSurvey, isReachable } from '../survey.js';

const CURE =
  'add "replay_endpoint":"tcp://*:5567" to the engine\'s --kv-events-config and set kvReplay to it';

/** `eventsAreWrong`: then the replay's state follows from that. */
export function checkReplay(survey: EndpointSurvey, eventsAreWrong: boolean): Verdict {
  const { endpoint, events } = survey;
  if (!isReachable(survey)) return unknown('see http');
  if (eventsAreWrong) return unknown('see events');
  if (endpoint.kvReplay === null) {
    return wrong('no replay address: a lost message costs all that is known of the engine', CURE);
  }
  const { replay, replayAnswers } = events;
  if (replay === null || replay.kind === 'unreachable') {
    return wrong(`nothing listens at ${endpoint.kvReplay} (${replay?.reason})`, CURE);
  }
  if (replay.kind === 'foreign') {
    return wrong(`${endpoint.kvReplay} is no replay socket: ${replay.reason}`, CURE);
  }
  if (replay.type !== 'ROUTER') {
    return wrong(`${endpoint.kvReplay} is a ${replay.type} socket, not a replay socket`, CURE);
  }
  if (replayAnswers === false) {
    return wrong(
      `${endpoint.kvReplay} does not answer a replay request`,
      "look at the engine's log; its publisher thread answers between two batches",
    );
  }
  if (events.replayHasProbe === false) {
    return wrong(
      `${endpoint.kvReplay} answers, but does not know what the engine has just told: it is another engine's`,
      "set kvReplay to the replay_endpoint of this engine's --kv-events-config",
    );
  }
  return ok(`${endpoint.kvReplay} answers`);
}
