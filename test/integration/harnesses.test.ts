// Public benchmark harnesses, by the requests they send: a router in between changes nothing they measure.
import assert from 'node:assert/strict';
import test from 'node:test';
import { HARNESS_REQUESTS, wireRequest } from '../support/harness-requests.js';
import { exchangeRaw, rawClient } from '../support/raw-client.js';
import { recordingEngine } from '../support/recording-engine.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSim } from '../support/sim-engine.js';

const client = (url: string) => rawClient(Number(new URL(url).port));

test('a harness reads of the router what it would read of the engine, chunk for chunk', async (context) => {
  const sim = await startSim(context, { model: TEST_MODEL });
  const router = await startRouter(context, [sim], {}, QUICK_TOKENIZER);
  const [direct, routed] = [await client(sim.url), await client(router.url)];
  const plain = (chunk: string) => {
    return chunk.replace(/"created":\d+/g, '"created":0').replace(/"id":"[^"]*"/g, '"id":""');
  };
  for (const request of HARNESS_REQUESTS) {
    const about = `${request.harness}: ${request.body}`;
    // The first request of a prompt finds nothing in the cache, and its usage says so.
    await exchangeRaw(direct, wireRequest(request));
    const own = await exchangeRaw(direct, wireRequest(request));
    const ours = await exchangeRaw(routed, wireRequest(request));
    assert.equal(own.status, 200, about);
    assert.equal(ours.status, 200, about);
    // Each chunk is an inter-token latency of its report.
    assert.deepEqual(ours.chunks.map(plain), own.chunks.map(plain), about);
    const { max_tokens, max_completion_tokens = max_tokens, stream } = JSON.parse(request.body);
    if (stream === true) assert.ok(ours.chunks.length > max_completion_tokens, about);
    assert.ok(!ours.headers.some(([name]) => name === 'content-encoding'), about);
  }
  for (const { socket } of [direct, routed]) socket.destroy();
});

test('what a harness sends reaches the engine byte for byte', async (context) => {
  const engine = await recordingEngine(context, () => ({ body: '{"ok":true}' }));
  const router = await startRouter(context, [engine], {}, QUICK_TOKENIZER);
  const routed = await client(router.url);
  for (const request of HARNESS_REQUESTS) {
    assert.equal((await exchangeRaw(routed, wireRequest(request))).status, 200, request.harness);
    const received = engine.requests.at(-1);
    assert.equal(received?.target, request.path);
    assert.equal(received?.body, request.body);
    for (const [name, value] of request.headers) {
      // A connection is each hop's own.
      if (name === 'Connection') continue;
      assert.equal(received?.headers[name.toLowerCase()], value, `${request.harness}: ${name}`);
    }
  }
  routed.socket.destroy();
});
