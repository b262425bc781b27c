// The engine's clock agrees with the router's: the age of events is measured by both.
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import { type EndpointSurvey, freshBatches } from '../survey.js';

/** Events come within a step of the engine; what is left is for a machine that is short of CPU. */
const SKEW_MAX_SECONDS = 3;

/** `replayIsWrong`: live events then wait for it, and are late for that reason. */
export function checkClock({ events, probe }: EndpointSurvey, replayIsWrong: boolean): Verdict {
  const lag = events.after?.lagSeconds ?? null;
  if (lag === null || probe === null || freshBatches(events) === 0) {
    return unknown('no event to compare with');
  }
  if (lag > 0 && replayIsWrong) return unknown('see replay: events wait for it');
  const shown = `${Math.abs(lag).toFixed(1)} s`;
  if (lag < -SKEW_MAX_SECONDS) return wrong(`the engine's clock is ${shown} ahead`, CURE);
  if (lag > SKEW_MAX_SECONDS) {
    return wrong(`the engine's clock is ${shown} behind, or its events are that late`, CURE);
  }
  return ok(`within ${SKEW_MAX_SECONDS} s`);
}

const CURE = 'run NTP on both machines';
