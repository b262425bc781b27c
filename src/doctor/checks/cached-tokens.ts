// Answers say how much came from the cache, which the router compares with its prediction.
import { ok, unknown, type Verdict, warning } from '../finding.js';
import type { EndpointSurvey } from '../survey.js';

export function checkCachedTokens({ probe }: EndpointSurvey): Verdict {
  if (probe === null || probe.status !== 200) return unknown('no answer to look at');
  if (probe.reportsCachedTokens) return ok('reported');
  return warning(
    'answers do not say how many tokens were cached, so predictions are never checked',
    'start the engine with --enable-prompt-tokens-details',
  );
}
