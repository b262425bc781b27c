// The engine's blocks have the size that is configured, and the same as on the model's other engines.
import { ok, unknown, type Verdict, warning, wrong } from '../finding.js';
import type { EndpointSurvey, FleetSurvey } from '../survey.js';

export function checkBlockSize(survey: EndpointSurvey, { endpoints }: FleetSurvey): Verdict {
  const { model } = survey;
  const found = blockSizeOf(survey);
  if (found === null) return unknown('no event has shown it, and the engine does not say');
  if (model.blockSize !== null && model.blockSize !== found) {
    return wrong(
      `the engine has blocks of ${found} tokens, the configuration says ${model.blockSize}`,
      `set blockSize: ${found}, leave it out, or start the engine with --block-size ${model.blockSize}`,
    );
  }
  const sizes = endpoints
    .filter((other) => other.model.name === model.name)
    .map(blockSizeOf)
    .filter((size) => size !== null);
  if (new Set(sizes).size > 1) {
    return warning(
      `${found} tokens, but the model's engines have ${[...new Set(sizes)].join(' and ')}`,
      'use one block size: each further one is hashed for every request',
    );
  }
  return ok(`${found} tokens`);
}

function blockSizeOf({ metrics, events }: EndpointSurvey): number | null {
  return events.after?.settings?.blockSizeTokens ?? metrics?.blockSizeTokens ?? null;
}
