// Whatever becomes of a request, what was booked for it is given back.
import assert from 'node:assert/strict';
import test from 'node:test';
import { post } from '../support/openai-client.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL, type TestRouter } from '../support/router.js';
import {
  type EngineRequestSeen,
  framed,
  scriptedEngine,
  wholeResponse,
} from '../support/scripted-engine.js';
import { waitFor } from '../support/wait-for.js';

const BLIND = {
  monitor: { metricsIntervalMs: 600_000 },
  timeouts: { firstByteMs: 300, idleMs: 300 },
};
const ANSWER = '{"choices":[{"message":{"content":"ok"}}]}';
const HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
/** A stream with one chunk and no end. */
const ENDLESS = `${HEAD}${framed('data: {}\n\n')}`;

const chat = {
  model: TEST_MODEL,
  stream: true,
  messages: [{ role: 'user', content: 'a 1 a 2 a 3 a 4' }],
};

type Inflight = readonly [requests: number, tokens: number, context: number];
const NOTHING: Inflight = [0, 0, 0];

function inflightOf({ assembly }: TestRouter): Inflight {
  const load = assembly.fleet.all[0]?.load;
  assert.ok(load !== undefined);
  return [load.inflightRequests, load.inflightTokens, load.inflightContextTokens];
}

const released = (router: TestRouter) =>
  waitFor('the release of the booking', () => inflightOf(router).every((count) => count === 0));

const ENDS: Readonly<Record<string, (request: EngineRequestSeen) => unknown>> = {
  'an answer': ({ socket }) => socket.write(wholeResponse(ANSWER)),
  'an error of the engine': ({ socket }) => {
    socket.write('HTTP/1.1 500 no\r\ncontent-length: 2\r\n\r\n{}');
  },
  'a broken connection': ({ socket }) => socket.destroy(),
  'a stream that breaks off': ({ socket }) => {
    socket.write(ENDLESS);
    socket.end();
  },
  'no first byte in time': () => {},
  'a stream that stands still': ({ socket }) => socket.write(ENDLESS),
};

for (const [end, answer] of Object.entries(ENDS)) {
  test(`${end} gives the booking back`, async (context) => {
    let booked = NOTHING;
    using engine = await scriptedEngine((request) => {
      if (request.head.startsWith('GET ')) {
        request.socket.write(wholeResponse('{"data":[]}'));
        return;
      }
      booked = inflightOf(router);
      answer(request);
    });
    const router: TestRouter = await startRouter(context, [engine], BLIND, QUICK_TOKENIZER);
    await post(`${router.url}/v1/chat/completions`, chat).catch(() => null);
    const [requests, tokens, prompt] = booked;
    assert.equal(requests, 1);
    assert.ok(tokens > 0 && tokens === prompt, `booked ${booked}`);
    await released(router);
  });
}

test('a client that leaves gives the booking back', async (context) => {
  using engine = await scriptedEngine(({ head, socket }) => {
    socket.write(head.startsWith('GET ') ? wholeResponse('{"data":[]}') : ENDLESS);
  });
  const extra = { monitor: BLIND.monitor };
  const router = await startRouter(context, [engine], extra, QUICK_TOKENIZER);
  const leave = new AbortController();
  const response = await fetch(`${router.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(chat),
    signal: leave.signal,
  });
  await response.body?.getReader().read();
  // The first token has come: the prompt no longer waits.
  const [requests, tokens, prompt] = inflightOf(router);
  assert.deepEqual([requests, tokens], [1, 0]);
  assert.ok(prompt > 0);
  leave.abort();
  await released(router);
});
