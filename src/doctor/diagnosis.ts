// From the facts of a survey to findings: every check, in the order in which to read them.
import { checkAlgorithm } from './checks/algorithm.js';
import { checkBlockSize } from './checks/block-size.js';
import { checkCachedTokens } from './checks/cached-tokens.js';
import { checkClock } from './checks/clock.js';
import { checkDiscovery } from './checks/discovery.js';
import { checkEvents } from './checks/events.js';
import { checkHttp } from './checks/http.js';
import { checkModelName } from './checks/model-name.js';
import { checkPrefixCaching } from './checks/prefix-caching.js';
import { checkProbe } from './checks/probe.js';
import { checkReplay } from './checks/replay.js';
import { checkSeed } from './checks/seed.js';
import { checkServedModel } from './checks/served-model.js';
import { checkChatTemplate, checkTokenizer } from './checks/tokenizer.js';
import { checkTopics } from './checks/topic.js';
import type { CheckName, Finding, Verdict } from './finding.js';
import type { EndpointSurvey, FleetSurvey } from './survey.js';

export function diagnose(fleet: FleetSurvey): Finding[] {
  const names = fleet.models.map((model) => named(null, 'model-name', checkModelName(model)));
  const topics = checkTopics(fleet);
  return [
    ...bindFindings(fleet),
    ...fleet.sources.flatMap((source) => {
      const verdict = checkDiscovery(source);
      return verdict === null ? [] : [named(null, 'discovery', verdict)];
    }),
    ...names,
    ...(topics === null ? [] : [named(null, 'topic', topics)]),
    ...fleet.endpoints.flatMap((survey) => examine(survey, fleet)),
  ];
}

function bindFindings({ bind, bindFailure }: FleetSurvey): Finding[] {
  if (bind === null || bindFailure === null) return [];
  const cure = 'end the router that runs here, or run the doctor where none does';
  return [{ endpoint: null, check: 'configuration', status: 'wrong', message: bindFailure, cure }];
}

function examine(survey: EndpointSurvey, fleet: FleetSurvey): Finding[] {
  const events = checkEvents(survey, fleet);
  const replay = checkReplay(survey, events.status === 'wrong');
  const verdicts: [CheckName, Verdict][] = [
    ['http', checkHttp(survey)],
    ['served-model', checkServedModel(survey)],
    ['probe', checkProbe(survey)],
    ['prefix-caching', checkPrefixCaching(survey)],
    ['events', events],
    ['replay', replay],
    ['clock', checkClock(survey, replay.status === 'wrong')],
    ['algorithm', checkAlgorithm(survey)],
    ['seed', checkSeed(survey)],
    ['block-size', checkBlockSize(survey, fleet)],
    ['tokenizer', checkTokenizer(survey)],
    ['chat-template', checkChatTemplate(survey)],
    ['cached-tokens', checkCachedTokens(survey)],
  ];
  return verdicts.map(([check, verdict]) => named(survey.endpoint.name, check, verdict));
}

function named(endpoint: string | null, check: CheckName, verdict: Verdict): Finding {
  return { endpoint, check, ...verdict };
}
