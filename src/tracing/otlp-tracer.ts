// RequestTracer on the official SDK of OpenTelemetry: spans in batches, over OTLP/HTTP. Loaded only where
// tracing is configured: it takes 18 MB and half a second.
import {
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import { log } from '../log.js';
import type { RequestSpan, RequestTracer, SpanEnd } from './request-tracer.js';
import { formatTraceParent, parseTraceParent } from './trace-parent.js';

export interface TracerOptions {
  /** Of the collector's traces, such as `http://collector:4318/v1/traces`. */
  readonly url: string;
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** Share of the requests whose client does not say whether they are traced. */
  readonly sampleRatio: number;
  readonly onExported: (spans: number, result: 'sent' | 'lost') => void;
}

/** A router that stops has a grace period of its own. */
const CLOSE_MS = 3000;
/** A collector that is slower than this is as good as away. */
const SEND_MS = 5000;

export function openTracer(options: TracerOptions): RequestTracer {
  const { url, serviceName, serviceVersion, sampleRatio } = options;
  const exporter = counted(new OTLPTraceExporter({ url, timeoutMillis: SEND_MS }), options);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': serviceVersion,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer('warmpath');
  return {
    begin(traceparent, tracestate) {
      const parent = contextOf(traceparent, tracestate);
      return new OtlpSpan(tracer.startSpan('request', { kind: SpanKind.SERVER }, parent));
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      // What is wrong with the collector has been said.
      await Promise.race([late, provider.shutdown().catch(() => {})]);
      clearTimeout(timer);
    },
  };
}

class OtlpSpan implements RequestSpan {
  readonly #span: Span;

  constructor(span: Span) {
    this.#span = span;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return formatTraceParent({ traceId, spanId, sampled: (traceFlags & 1) === 1 });
  }

  end({ name, attributes, error }: SpanEnd): void {
    if (this.#span.isRecording()) {
      this.#span.updateName(name);
      this.#span.setAttributes(attributes);
      if (error !== null) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: error });
    }
    this.#span.end();
  }
}

function contextOf(traceparent: string | undefined, tracestate: string | undefined) {
  const parent = parseTraceParent(traceparent);
  if (parent === null) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...{ traceId, spanId, isRemote: true, traceFlags: sampled ? 1 : 0 },
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  });
}

/** Counts what became of the spans, and says once when a collector goes away or is back. */
function counted(
  exporter: SpanExporter,
  { url, onExported }: Pick<TracerOptions, 'url' | 'onExported'>,
): SpanExporter {
  let isLost = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const lost = result.error !== undefined || result.code !== 0;
        onExported(spans.length, lost ? 'lost' : 'sent');
        if (lost && !isLost) {
          log.warn('spans are lost', { url, reason: result.error?.message ?? 'not taken' });
        }
        if (!lost && isLost) log.info('spans are taken again', { url });
        isLost = lost;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}
