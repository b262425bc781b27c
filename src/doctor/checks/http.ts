// The engine's HTTP server answers, and says that it is well.
import { ok, type Verdict, warning, wrong } from '../finding.js';
import type { EndpointSurvey } from '../survey.js';

export function checkHttp({ endpoint, http, metrics }: EndpointSurvey): Verdict {
  const { status, failure } = http;
  if (status === null) {
    return wrong(
      `${endpoint.url} cannot be reached: ${failure}`,
      'start the engine, correct url, or open the port between router and engine',
    );
  }
  if (status === 404) {
    return wrong('/health answers 404: this is no vLLM server', 'correct url');
  }
  if (status !== 200) {
    return wrong(`/health answers ${status}`, "look at the engine's log; restart it if it is dead");
  }
  if (metrics === null) {
    return warning('there is no /metrics', 'start the engine without --disable-log-stats');
  }
  if (metrics.sleeping) return warning('the engine sleeps', 'POST /wake_up');
  return ok('answers');
}
