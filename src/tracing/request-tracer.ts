// What the router asks of tracing: one span a request. Nothing here loads the SDK.

export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanEnd {
  /** Few different ones: a span's name is what dashboards group by. */
  readonly name: string;
  readonly attributes: SpanAttributes;
  /** Why the request failed through no fault of its client; null: it did not. */
  readonly error: string | null;
}

export interface RequestSpan {
  readonly traceId: string;
  /** The header for whoever works for this request. */
  readonly traceparent: string;
  /** A span that is never ended is never sent. */
  end(end: SpanEnd): void;
}

export interface RequestTracer {
  /** Takes the client's trace headers. */
  begin(traceparent: string | undefined, tracestate: string | undefined): RequestSpan;
  /** Sends what is left, for some seconds at most. Never rejects. */
  close(): Promise<void>;
}
