// Spans of requests: a collector, an engine and a client that says which trace its request belongs to.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { get, post } from '../support/openai-client.js';
import { recordingEngine } from '../support/recording-engine.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { serveProcess } from '../support/router-process.js';
import { type CollectedSpan, traceCollector } from '../support/trace-collector.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';
const BODY = { model: TEST_MODEL, messages: [{ role: 'user', content: 'a b c' }] };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const SERVER = 2;
const ERROR = 2;

async function stage(context: TestContext, tracing: object = {}) {
  // The SDK sends a batch every five seconds unless it is told otherwise.
  process.env['OTEL_BSP_SCHEDULE_DELAY'] = '20';
  const collector = await traceCollector(context);
  const usage = { prompt_tokens: 9, completion_tokens: 4 };
  const engine = await recordingEngine(context, ({ target }) =>
    target === '/broken' ? { status: 500, body: '{}' } : { body: JSON.stringify({ usage }) },
  );
  const extra = { tracing: { otlpUrl: collector.url, ...tracing } };
  const router = await startRouter(context, [engine], extra, QUICK_TOKENIZER);
  const traced = async (count: number): Promise<readonly CollectedSpan[]> => {
    await waitFor(`${count} spans`, () => collector.spans.length >= count);
    return collector.spans;
  };
  return { collector, engine, router, traced };
}

test('a request is a span of its client’s trace, and the engine’s work belongs to it', async (context) => {
  const { engine, router, traced } = await stage(context);
  const headers = {
    ...{ traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=1,b=2' },
    'x-request-id': 'r-1',
  };
  const answer = await post(`${router.url}${CHAT}`, BODY, headers);
  assert.equal(answer.status, 200);
  const [span] = await traced(1);
  assert.ok(span !== undefined);
  assert.deepEqual([span.traceId, span.parentSpanId, span.traceState], [TRACE, PARENT, 'a=1,b=2']);
  assert.deepEqual([span.name, span.kind], [`POST ${CHAT}`, SERVER]);
  assert.equal(span.resource['service.name'], 'warmpath');
  const { attributes } = span;
  assert.equal(attributes['http.request.method'], 'POST');
  assert.equal(attributes['http.response.status_code'], 200);
  assert.equal(attributes['url.path'], CHAT);
  assert.equal(attributes['gen_ai.request.model'], TEST_MODEL);
  assert.equal(attributes['gen_ai.usage.output_tokens'], 4);
  assert.equal(attributes['warmpath.endpoint'], 'a');
  assert.equal(attributes['warmpath.request_id'], 'r-1');
  assert.equal(attributes['warmpath.trust'], answer.headers['x-warmpath-trust']);
  assert.ok(Number(attributes['warmpath.prompt_tokens']) > 0);
  assert.ok(span.milliseconds > 0 && span.milliseconds < 10_000);
  const heard = engine.requests.at(-1)?.headers;
  assert.equal(heard?.['traceparent'], `00-${TRACE}-${span.spanId}-01`);
  assert.equal(heard?.['tracestate'], 'a=1,b=2');
});

test('without a client’s trace one begins here, and decisions are found by it', async (context) => {
  const { engine, router, traced } = await stage(context);
  await post(`${router.url}${CHAT}`, BODY);
  const [span] = await traced(1);
  assert.ok(span !== undefined && !span.parentSpanId);
  assert.equal(
    engine.requests.at(-1)?.headers['traceparent'],
    `00-${span.traceId}-${span.spanId}-01`,
  );
  const { body } = await get(`${router.adminUrl}/decisions?n=1`);
  assert.equal(body[0].traceId, span.traceId);
});

test('refusals and failures are spans, probes are none', async (context) => {
  const { router, traced } = await stage(context);
  await get(`${router.url}/health`);
  await post(`${router.url}${CHAT}`, '{');
  await post(`${router.url}/broken`, BODY);
  const spans = await traced(2);
  const [refused, failed] = spans;
  assert.equal(refused?.attributes['error.type'], 'invalid_json');
  assert.equal(refused?.status.code, 0, 'that was the client’s mistake');
  assert.deepEqual([failed?.name, failed?.status.code], ['POST', ERROR]);
  assert.equal(spans.length, 2);
});

test('a client’s decision not to trace is kept, and so is the share of the others', async (context) => {
  const { collector, engine, router, traced } = await stage(context, { sampleRatio: 0 });
  await post(`${router.url}${CHAT}`, BODY);
  assert.match(
    String(engine.requests.at(-1)?.headers['traceparent']),
    /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/,
  );
  await post(`${router.url}${CHAT}`, BODY, { traceparent: `00-${TRACE}-${PARENT}-00` });
  assert.match(
    String(engine.requests.at(-1)?.headers['traceparent']),
    new RegExp(`^00-${TRACE}-.*-00$`),
  );
  await post(`${router.url}${CHAT}`, BODY, { traceparent: `00-${TRACE}-${PARENT}-01` });
  await traced(1);
  assert.equal(collector.spans.length, 1);
});

test('a collector that is away costs spans and nothing else', async (context) => {
  const { collector, router } = await stage(context);
  collector.status = 400;
  assert.equal((await post(`${router.url}${CHAT}`, BODY)).status, 200);
  const lost = async () => {
    const { text } = await get(`${router.adminUrl}/metrics`);
    return /^warmpath_trace_spans_total\{result="lost"\} 1$/m.test(text);
  };
  await waitFor('the loss', lost);
});

test('what is left is sent when the router stops; without tracing, headers pass as they came', async (context) => {
  const collector = await traceCollector(context);
  const engine = await recordingEngine(context, () => ({ body: '{}' }));
  const config = {
    listen: { host: '127.0.0.1', port: 0, adminPort: 0 },
    models: [
      { name: TEST_MODEL, ...QUICK_TOKENIZER.model, endpoints: { static: [{ url: engine.url }] } },
    ],
  };
  const traceparent = `00-${TRACE}-${PARENT}-01`;
  const run = async (extra: object) => {
    const router = serveProcess(context, JSON.stringify({ ...config, ...extra }));
    await post(`${await router.ready}${CHAT}`, BODY, { traceparent });
    router.child.kill('SIGTERM');
    assert.equal((await router.ended).code, 0);
    return engine.requests.at(-1)?.headers['traceparent'];
  };
  const forwarded = await run({
    tracing: { otlpUrl: `${collector.url}/v1/traces`, serviceName: 'x' },
  });
  assert.equal(forwarded, `00-${TRACE}-${collector.spans[0]?.spanId}-01`);
  assert.equal(collector.spans[0]?.resource['service.name'], 'x');
  assert.equal(await run({}), traceparent);
  assert.equal(collector.spans.length, 1);
});
