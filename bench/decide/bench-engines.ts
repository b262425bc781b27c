// Process entry: simulated engines behind fronts, for the decision benchmark. Sends its endpoints to
// its parent.
//
// While the fleet is warmed a front passes everything to its engine, which computes the prompt and
// publishes KV events. After the message `canned` it answers generation requests by itself, so that
// the engines' work does not take the cores that the router is measured on.
import type { Exchange } from '../../src/http/exchange.js';
import { createServer } from '../../src/http/server.js';
import { setLogLevel } from '../../src/log.js';
import { createForwarder } from '../../src/proxy/forwarder.js';
import { startSimFleet } from '../../src/sim/fleet.js';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';

export interface BenchEndpoint {
  readonly url: string;
  readonly kvEvents: string | null;
  readonly kvReplay: string | null;
}

const ENGINES = 4;
const KV_TOKENS = 4_000_000;
const BODY_LIMIT_BYTES = 64 * 2 ** 20;
const ANSWER = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 0,
  model: 'bench',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'a short answer of the engine' },
      finish_reason: 'stop',
    },
  ],
});

setLogLevel('error');
const engines = await startSimFleet(ENGINES, {
  encoder: await loadPromptEncoder(shippedTokenizer()),
  timing: 'canned',
  kvTokens: KV_TOKENS,
  maxModelLen: 200_000,
});
const forwarder = createForwarder();
let isCanned = false;

async function answer(exchange: Exchange, engineUrl: string): Promise<void> {
  const body = await exchange.readBody(BODY_LIMIT_BYTES);
  const { method, path: target, headers } = exchange;
  if (isCanned && target === '/v1/chat/completions') {
    exchange.respond(200, [['content-type', 'application/json']], ANSWER);
    return;
  }
  const sent = { method, target, headers, body: method === 'GET' ? null : body };
  const extra = { extraRequestHeaders: [], extraResponseHeaders: [] };
  await forwarder.forward(engineUrl, { ...sent, ...extra }, exchange, {});
}

const endpoints: BenchEndpoint[] = [];
for (const { url, kvEvents, kvReplay } of engines) {
  const front = createServer((exchange) => void answer(exchange, url));
  const port = await front.listen('127.0.0.1', 0);
  process.once('disconnect', () => front.close());
  endpoints.push({ url: `http://127.0.0.1:${port}`, kvEvents, kvReplay });
}
process.on('message', (message) => {
  isCanned = message === 'canned';
  process.send?.('done');
});
process.once('disconnect', () => {
  for (const engine of engines) engine.close();
  process.exit(0);
});
process.send?.(endpoints);
