// Opens tracing where it is configured; nothing of it is loaded otherwise.
import type { Config } from '../config/config.js';
import { log } from '../log.js';
import type { Metrics } from '../metrics.js';
import type { RequestTracer } from '../tracing/request-tracer.js';
import { VERSION } from './version.js';

/** null: requests are not traced. */
export async function requestTracer(
  { otlpUrl, sampleRatio, serviceName }: Config['tracing'],
  metrics: Metrics,
): Promise<RequestTracer | null> {
  if (otlpUrl === null) return null;
  // As OpenTelemetry has it: an address without a path is that of all signals.
  const url = new URL(otlpUrl).pathname === '/' ? `${otlpUrl}/v1/traces` : otlpUrl;
  const { openTracer } = await import('../tracing/otlp-tracer.js');
  log.info('requests are traced', { url, sampleRatio });
  return openTracer({
    ...{ url, sampleRatio, serviceName, serviceVersion: VERSION },
    onExported: (spans, result) => metrics.traceSpans.inc({ result }, spans),
  });
}
