// Configuration keys of what the router tells of requests: log lines and spans.
import { engineUrl } from './addresses.js';
import { choice, decimal, flag, optional, table, text } from './field.js';

export const TRACING = table(
  {
    otlpUrl: optional(
      engineUrl('Collector that takes traces by OTLP/HTTP, such as http://collector:4318.'),
      'none: requests are not traced',
    ),
    sampleRatio: decimal({
      doc: 'Share of requests traced, of those whose traceparent does not decide it.',
      fallback: 1,
      min: 0,
      max: 1,
    }),
    serviceName: text({ doc: 'Name of the router in traces.', fallback: 'warmpath' }),
  },
  'OpenTelemetry spans, one a request. The SDK takes OTEL_EXPORTER_OTLP_HEADERS and the like.',
);

export const LOG = table(
  {
    level: choice(['debug', 'info', 'warn', 'error'], {
      doc: 'Least level that is logged.',
      fallback: 'info',
    }),
    format: choice(['json', 'text'], {
      doc: 'Lines for programs or for people.',
      fallback: 'json',
    }),
    requests: flag({ doc: 'One line for each request.', fallback: true }),
    prompts: flag({
      doc: 'These lines carry the body of the request, prompt included.',
      fallback: false,
    }),
  },
  'The log, on standard error.',
);
