// Without prefix caching there is nothing to route to.
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import type { EndpointSurvey } from '../survey.js';

export function checkPrefixCaching({ metrics }: EndpointSurvey): Verdict {
  switch (metrics?.prefixCaching) {
    case true:
      return ok('on');
    case false:
      return wrong('prefix caching is off', 'start the engine with --enable-prefix-caching');
    default:
      return unknown('the engine does not say');
  }
}
