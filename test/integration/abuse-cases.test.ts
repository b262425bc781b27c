// The whole router under abuse, behind either server: each case gets its answer, reaches the engine as
// often as it should, and leaves a server that works.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AbuseCase, body, VALID } from '../support/abuse/abuse-case.js';
import { BODIES } from '../support/abuse/bodies.js';
import { CHUNKING } from '../support/abuse/chunking.js';
import { ENDINGS } from '../support/abuse/endings.js';
import { FRAMING } from '../support/abuse/framing.js';
import { HEADS } from '../support/abuse/heads.js';
import { METHODS } from '../support/abuse/methods.js';
import { TARGETS } from '../support/abuse/targets.js';
import { exchangeRaw, rawClient } from '../support/raw-client.js';
import { recordingEngine } from '../support/recording-engine.js';
import { QUICK_TOKENIZER, startRouter } from '../support/router.js';
import { waitFor } from '../support/wait-for.js';

const CASES = [...FRAMING, ...CHUNKING, ...HEADS, ...TARGETS, ...METHODS, ...BODIES, ...ENDINGS];
const LIMITS = { limits: { bodyBytes: 1_000_000 } };

/** Codes in order, and `closed` when the server ended the connection. */
async function answerOf(
  port: number,
  { sends, leaves }: AbuseCase,
  wanted: string,
): Promise<string> {
  const client = await rawClient(port);
  client.send(sends);
  if (leaves === 'ends') client.socket.end();
  if (leaves === 'resets') client.socket.resetAndDestroy();
  const codesOf = (received: string) =>
    [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, code]) => code);
  const wantedCodes = wanted.match(/\d{3}/g) ?? [];
  const isClosing = wanted.endsWith('closed');
  await client.until((received) => !isClosing && codesOf(received).length >= wantedCodes.length);
  const answer = [...codesOf(client.received()), ...(client.isClosed ? ['closed'] : [])].join(' ');
  client.socket.destroy();
  return answer;
}

/** On a connection of its own. */
async function statusOf(port: number, request: string): Promise<number> {
  const client = await rawClient(port);
  const { status } = await exchangeRaw(client, request);
  client.socket.destroy();
  return status;
}

for (const httpImplementation of ['uwebsockets', 'node'] as const) {
  test(`${CASES.length} kinds of abuse are answered by ${httpImplementation}, which then still serves`, async (context) => {
    assert.ok(CASES.length >= 60);
    const engine = await recordingEngine(context, () => ({ body: '{"ok":true}' }));
    const { url, assembly } = await startRouter(context, [engine], LIMITS, {
      ...QUICK_TOKENIZER,
      httpImplementation,
    });
    const port = Number(new URL(url).port);
    const live = assembly.fleet.all[0];
    for (const one of CASES) {
      const { name, answer, passed = 0, mayBeLost = false } = one;
      const before = engine.requests.length;
      const wanted = typeof answer === 'string' ? answer : answer[httpImplementation];
      const came = await answerOf(port, one, wanted);
      if (!(mayBeLost && came === 'closed')) assert.equal(came, wanted, name);
      assert.equal(await statusOf(port, 'GET /health HTTP/1.1\r\nhost: x\r\n\r\n'), 200, name);
      const wantedPassed = typeof passed === 'number' ? passed : passed[httpImplementation];
      assert.equal(engine.requests.length - before, wantedPassed, name);
    }
    assert.equal(await statusOf(port, body(VALID)), 200);
    await waitFor('no request in flight', () => live?.load.inflightRequests === 0);
    assert.ok(engine.requests.every(({ target }) => target !== '/smuggled'));
  });
}
