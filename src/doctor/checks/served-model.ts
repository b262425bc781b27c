// The engine serves the model under the name that the router sends requests for.
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import { type EndpointSurvey, isReachable } from '../survey.js';

export function checkServedModel(survey: EndpointSurvey): Verdict {
  if (!isReachable(survey)) return unknown('see http');
  const { models, model } = survey;
  if (models === null) {
    return wrong(
      '/v1/models gives no list of models',
      model.apiKey === null
        ? 'set apiKey of the model if the engine runs with --api-key'
        : "check apiKey against the engine's --api-key",
    );
  }
  const names = models.map(({ id }) => id);
  const missing = [model.name, ...model.aliases].filter((name) => !names.includes(name));
  if (missing.length === 0) return ok(`serves ${names.join(', ')}`);
  return wrong(
    `serves ${names.join(', ') || 'nothing'}, not ${missing.join(', ')}`,
    `start the engine with --served-model-name ${missing.join(' ')}, or correct name and aliases`,
  );
}
