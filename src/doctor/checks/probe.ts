// The engine answers a tiny request of the router.
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import { type EndpointSurvey, isReachable } from '../survey.js';

export function checkProbe(survey: EndpointSurvey): Verdict {
  const { probe } = survey;
  if (!isReachable(survey)) return unknown('see http');
  if (probe === null) return unknown('none was sent');
  if (probe.status === 200) return ok('a prompt of a few blocks is answered');
  if (probe.status === 401 || probe.status === 403) {
    return wrong(
      `refused with ${probe.status}`,
      "set apiKey of the model to the engine's --api-key",
    );
  }
  // A name that is not served is served-model's finding.
  if (probe.status === 404) return unknown(`refused with 404: ${probe.message}`);
  return wrong(
    `refused with ${probe.status}: ${probe.message}`,
    "look at the engine's log: requests of clients will fare alike",
  );
}
