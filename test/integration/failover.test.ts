// Engines that die, hang, come back: what clients notice of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { get, post } from '../support/openai-client.js';
import { quickFleet } from '../support/quick-fleet.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { scriptedEngine, wholeResponse } from '../support/scripted-engine.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const CHAT = '/v1/chat/completions';
/** Polls so rare that only requests tell of a failure. */
const BLIND = { monitor: { metricsIntervalMs: 600_000 } };
const WATCHFUL = {
  monitor: { metricsIntervalMs: 50, healthIntervalMs: 50, modelsIntervalMs: 50, timeoutMs: 500 },
};
const chat = (number: number) => ({
  ...{ model: TEST_MODEL, max_tokens: 2 },
  messages: [{ role: 'user', content: `a ${number}` }],
});

const first = <T>([one]: readonly T[]): T => {
  assert.ok(one !== undefined);
  return one;
};

test('a refused connection is no matter: the next best endpoint answers', async (context) => {
  const { sims, url } = await quickFleet(context, 2, BLIND);
  first(sims).refuseConnections();
  for (let i = 0; i < 8; i++) {
    const answer = await post(`${url}${CHAT}`, chat(i));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-warmpath-endpoint'], 'b');
  }
});

test('an engine that lists another model is asked only when none lists this one', async (context) => {
  const [right, wrong] = await Promise.all([
    startSims(context, 1, { model: TEST_MODEL }),
    startSims(context, 1, { model: 'another/model' }),
  ]);
  const { url } = await startRouter(context, [...wrong, ...right], WATCHFUL, QUICK_TOKENIZER);
  for (let i = 0; i < 20; i++) {
    const answer = await post(`${url}${CHAT}`, chat(i));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-warmpath-endpoint'], 'b');
  }
  first(right).refuseConnections();
  await waitFor(
    'an answer of the only engine left',
    async () => (await post(`${url}${CHAT}`, chat(20))).status === 404,
  );
});

test('a request whose engine dies before its first byte is answered by another', async (context) => {
  using dying = await scriptedEngine(({ head, socket }) => {
    if (head.startsWith('GET ')) socket.write(wholeResponse('{"data":[]}'));
    else socket.destroy();
  });
  const sims = await startSims(context, 1, { model: TEST_MODEL });
  const { url } = await startRouter(context, [dying, ...sims], BLIND, QUICK_TOKENIZER);
  const isPost = ({ head }: { head: string }) => head.startsWith('POST ');
  for (let i = 0; i < 30 && !dying.requests.some(isPost); i++) {
    const answer = await post(`${url}${CHAT}`, chat(i));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers['x-warmpath-endpoint'], 'b');
  }
  assert.ok(dying.requests.some(isPost));
});

test('a stream whose engine dies after its head is answered by another', async (context) => {
  using dying = await scriptedEngine(({ head, socket }) => {
    if (head.startsWith('GET ')) socket.write(wholeResponse('{"data":[]}'));
    else socket.end(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n`.slice(0, -1));
  });
  const sims = await startSims(context, 1, { model: TEST_MODEL });
  const { url } = await startRouter(context, [dying, ...sims], BLIND, QUICK_TOKENIZER);
  const isPost = ({ head }: { head: string }) => head.startsWith('POST ');
  for (let i = 0; i < 30 && !dying.requests.some(isPost); i++) {
    const { status, text, headers } = await post(`${url}${CHAT}`, { ...chat(i), stream: true });
    assert.equal(status, 200, text);
    assert.equal(headers['x-warmpath-endpoint'], 'b');
    assert.ok(text.endsWith('data: [DONE]\n\n'), text);
  }
  assert.ok(dying.requests.some(isPost));
});

test('an engine that closed on a request gets it again when no other is left', async (context) => {
  let deaths = 0;
  using engine = await scriptedEngine(({ head, socket }) => {
    if (head.startsWith('GET ')) socket.write(wholeResponse('{"data":[]}'));
    else if (deaths++ < 2) socket.destroy();
    else socket.write(wholeResponse('{"choices":[]}'));
  });
  const { url } = await startRouter(context, [engine], BLIND, QUICK_TOKENIZER);
  const answer = await post(`${url}${CHAT}`, chat(1));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(deaths, 3);
});

test('a request that kills its engines stops at the limit', async (context) => {
  let deaths = 0;
  using engine = await scriptedEngine(({ head, socket }) => {
    if (head.startsWith('GET ')) socket.write(wholeResponse('{"data":[]}'));
    else {
      deaths += 1;
      socket.destroy();
    }
  });
  const monitor = { ...BLIND.monitor, failuresToUnhealthy: 20 };
  const { url } = await startRouter(context, [engine], { monitor }, QUICK_TOKENIZER);
  assert.equal((await post(`${url}${CHAT}`, chat(1))).status, 502);
  assert.equal(deaths, 3);
});

test('a request that was tried twice counts once, and only what decisions took', async (context) => {
  using dying = await scriptedEngine(({ head, socket }) => {
    if (head.startsWith('GET ')) socket.write(wholeResponse('{"data":[]}'));
    else setTimeout(() => socket.destroy(), 400);
  });
  const sims = await startSims(context, 1, { model: TEST_MODEL });
  const { url, adminUrl } = await startRouter(context, [dying, ...sims], BLIND, QUICK_TOKENIZER);
  let asked = 0;
  let retried = null;
  while (retried === null && asked < 50) {
    const answer = await post(`${url}${CHAT}`, chat(asked++));
    assert.equal(answer.status, 200, answer.text);
    assert.ok(Number(answer.headers['x-warmpath-decision-us']) < 400_000);
    const [last] = (await get(`${adminUrl}/decisions?n=1`)).body;
    if (last.attempt === 2) retried = last;
  }
  assert.equal(retried.endpoint, 'b');
  assert.ok(retried.decisionUs < 400_000);
  assert.equal((await get(`${adminUrl}/decisions`)).body.length, asked + 1);
  const { text } = await get(`${adminUrl}/metrics`);
  const value = (name: string) => Number(text.split(`\n${name} `)[1]?.split('\n')[0]);
  assert.equal(value('warmpath_decision_seconds_count{stage="total"}'), asked);
  assert.ok(value('warmpath_decision_seconds_sum{stage="total"}') < 0.4);
  const tokens = value(`warmpath_prompt_tokens_total{model="${TEST_MODEL}"}`);
  assert.equal(tokens, asked * retried.promptTokens);
});

test('more dead engines than attempts are no matter while one lives', async (context) => {
  const { sims, url } = await quickFleet(context, 5, { ...BLIND, limits: { attempts: 2 } });
  for (const sim of sims.slice(0, 4)) sim.refuseConnections();
  const answer = await post(`${url}${CHAT}`, chat(1));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers['x-warmpath-endpoint'], 'e');
});

test('an engine that is gone in the moment of reuse costs no request', async (context) => {
  using dying = await scriptedEngine(({ head, socket, earlier }) => {
    const isPost = head.startsWith('POST ');
    // The router finds its kept connection dead, tries once more, and nobody listens.
    if (isPost && earlier > 0) dying[Symbol.dispose]();
    else socket.write(wholeResponse(isPost ? '{}' : '{"data":[]}'));
  });
  const sims = await startSims(context, 1, { model: TEST_MODEL });
  const { url, assembly } = await startRouter(context, [dying, ...sims], BLIND, QUICK_TOKENIZER);
  const isOut = () => assembly.fleet.available(null).length === 1;
  for (let i = 0; i < 100 && !isOut(); i++) {
    const answer = await post(`${url}${CHAT}`, chat(i));
    assert.equal(answer.status, 200, answer.text);
  }
  assert.ok(isOut(), 'one refusal says enough');
});

test('a dead engine never breaks the list of models', async (context) => {
  const { sims, url } = await quickFleet(context, 2, WATCHFUL);
  first(sims).refuseConnections();
  for (let i = 0; i < 10; i++) {
    const { status, body } = await get(`${url}/v1/models`);
    assert.equal(status, 200);
    assert.deepEqual(
      body.data.map(({ id }: { id: string }) => id),
      [TEST_MODEL],
    );
  }
});

test('an engine that was killed and started again comes back without a restart of the router', async (context) => {
  const { sims, url, assembly } = await quickFleet(context, 1, WATCHFUL);
  const sim = first(sims);
  assert.equal((await post(`${url}${CHAT}`, chat(1))).status, 200);
  sim.refuseConnections();
  sim.restart();
  await waitFor('the engine to be out', () => assembly.fleet.available(null).length === 0);
  const answer = await post(`${url}${CHAT}`, chat(2));
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['retry-after'], '1');
  await sim.listen();
  await waitFor('the engine to be back', () => assembly.fleet.available(null).length === 1);
  assert.equal((await post(`${url}${CHAT}`, chat(3))).status, 200);
});

test('where nobody else is left an engine that is just coming back is asked', async (context) => {
  const monitor = { ...WATCHFUL.monitor, successesToHealthy: 100 };
  const { sims, url, assembly } = await quickFleet(context, 1, { monitor });
  const sim = first(sims);
  sim.refuseConnections();
  await waitFor('the engine to be out', () => assembly.fleet.available(null).length === 0);
  assert.equal((await post(`${url}${CHAT}`, chat(1))).status, 503);
  await sim.listen();
  await waitFor('a poll that succeeds', () => assembly.fleet.all.some((live) => live.isReturning));
  assert.equal((await post(`${url}${CHAT}`, chat(2))).status, 200);
  assert.equal(assembly.fleet.available(null).length, 0);
});

test('an engine that says it is dead gets no requests while its other pages answer', async (context) => {
  const { sims, url, assembly } = await quickFleet(context, 2, WATCHFUL);
  first(sims).faults.unhealthy = true;
  await waitFor('the engine to be out', () => assembly.fleet.available(null).length === 1);
  for (let i = 0; i < 5; i++) {
    assert.equal((await post(`${url}${CHAT}`, chat(i))).headers['x-warmpath-endpoint'], 'b');
  }
  first(sims).faults.unhealthy = false;
  await waitFor('the engine to be back', () => assembly.fleet.available(null).length === 2);
});

test('an engine that answers polls and no requests is out after three of them', async (context) => {
  const { sims, url, assembly } = await quickFleet(context, 1, {
    ...{ monitor: { metricsIntervalMs: 600_000 } },
    timeouts: { firstByteMs: 600 },
  });
  first(sims).faults.hang = true;
  const answers = await Promise.all([1, 2, 3].map((i) => post(`${url}${CHAT}`, chat(i))));
  for (const { status, body } of answers) {
    assert.equal(status, 504);
    assert.match(body.error.message, /did not answer in time/);
  }
  assert.equal(assembly.fleet.available(null).length, 0);
});

test('a request that an engine may have acted on is not sent again', async (context) => {
  using engine = await scriptedEngine(({ head, socket }) => {
    if (head.startsWith('GET ')) socket.write(wholeResponse('{"data":[]}'));
    else socket.destroy();
  });
  const { url } = await startRouter(context, [engine], BLIND, QUICK_TOKENIZER);
  const posts = () => engine.requests.filter(({ head }) => head.startsWith('POST ')).length;
  const scaled = await post(`${url}/scale_elastic_ep`, '');
  assert.equal(scaled.status, 502);
  assert.equal(posts(), 1);
});

test('when every endpoint fails the error is the last one’s', async (context) => {
  const { sims, url } = await quickFleet(context, 2, BLIND);
  for (const sim of sims) sim.refuseConnections();
  const answer = await post(`${url}${CHAT}`, chat(1));
  assert.equal(answer.status, 502);
  assert.match(answer.body.error.message, /cannot be reached/);
  assert.equal(answer.headers['x-warmpath-reason'], 'engine_unreachable');
});
