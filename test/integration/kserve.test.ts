// The KServe sample of deploy/kserve: its engines as they are set there, found by the labels KServe gives
// them, heard on the port they connect to, and matched with the sample's own scheduler configuration.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { freePort } from '../../src/sim/free-port.js';
import { KubeApiServer } from '../support/kube-api-server.js';
import { PODS, pod } from '../support/kube-objects.js';
import { get, post } from '../support/openai-client.js';
import { QUICK_TOKENIZER, startRouter } from '../support/router.js';
import { startSim } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => parse(readFileSync(join(ROOT, path), 'utf8'));

/** The engines' arguments as the shell of their container makes them out of VLLM_ADDITIONAL_ARGS. */
function engineFlags(podIp: string, eventAddress: string): Map<string, string> {
  const [container] = read('deploy/kserve/llminferenceservice.yaml').spec.template.containers;
  const env = new Map<string, string>(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  const text = String(env.get('VLLM_ADDITIONAL_ARGS'))
    .replace(/\$\{POD_IP\}/, podIp)
    .replace(/tcp:\/\/\{\{[^}]*-epp-service[^}]*\}\}:5557/, eventAddress);
  const words = [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
  const flags = new Map<string, string>([['seed', String(env.get('PYTHONHASHSEED'))]]);
  for (let i = 0; i < words.length; i += 2) {
    flags.set(String(words[i]).replaceAll('_', '-'), String(words[i + 1]));
  }
  return flags;
}

test('the scheduler configuration of the sample is in deploy/kserve word for word', () => {
  const ours = read('deploy/kserve/warmpath.yaml').scheduling;
  assert.ok(isDeepStrictEqual(ours, read('test/vectors/epp/generation-1.yaml')));
});

test("the sample's engines work unchanged: found, heard through one port, matched exactly", async (t) => {
  const api = await KubeApiServer.start(t);
  const bind = `tcp://127.0.0.1:${await freePort('127.0.0.1')}`;
  const config = read('deploy/kserve/warmpath.yaml');
  const [model] = config.models;
  const { selector } = model.endpoints.kubernetes;
  const labels = Object.fromEntries(selector.split(',').map((part: string) => part.split('=')));
  // Topics tell engines apart by their addresses, so each has one.
  for (const [i, ip] of ['127.0.0.2', '127.0.0.3'].entries()) {
    const flags = engineFlags(ip, bind);
    const events = JSON.parse(flags.get('--kv-events-config') ?? '');
    assert.equal(flags.get('--prefix-caching-hash-algo'), 'sha256');
    const sim = await startSim(t, {
      host: ip,
      model: model.name,
      hashAlgorithm: 'sha256',
      blockSizeTokens: Number(flags.get('--block-size')),
      hashSeed: flags.get('seed') ?? null,
      kvEvents: events.endpoint,
      kvReplay: null,
      topic: events.topic,
      reportsCachedTokens: flags.has('--enable-prompt-tokens-details'),
    });
    const annotations = { 'warmpath/port': new URL(sim.url).port };
    api.put(PODS, pod(`engine-${i}`, { ip, labels, annotations }));
  }
  api.put(PODS, pod('other', { ip: '127.0.0.4', labels: { app: 'other' } }));
  const kubernetes = { ...model.endpoints.kubernetes, scheme: 'http', kubeconfig: api.kubeconfig };
  const router = await startRouter(
    t,
    [],
    { scheduling: config.scheduling, kvEvents: { bind } },
    { model: { ...QUICK_TOKENIZER.model, name: model.name, endpoints: { kubernetes } } },
  );
  const ask = async (first: number) => {
    const prompt = Array.from({ length: 200 }, (_, i) => (first + i) % 500);
    const body = { model: model.name, prompt, max_tokens: 1 };
    const { status, headers, text } = await post(`${router.url}/v1/completions`, body);
    assert.equal(status, 200, text);
    return headers;
  };
  const { fleet } = router.assembly;
  await waitFor('both engines', () => fleet.all.length === 2);
  const holders = new Map<number, string>();
  for (let first = 0; first < 12; first += 1) {
    holders.set(first, String((await ask(first * 40))['x-warmpath-endpoint']));
  }
  assert.deepEqual([...new Set(holders.values())].sort(), ['engine-0', 'engine-1']);
  await waitFor('proofs', () => fleet.all.every(({ trust }) => trust === 'exact'));
  for (const { trustReason } of fleet.all) assert.match(trustReason ?? '', /sha256, seed "42".*64/);
  for (const [first, holder] of holders) {
    const headers = await ask(first * 40);
    assert.equal(headers['x-warmpath-matched-tokens'], '192');
    assert.equal(headers['x-warmpath-endpoint'], holder);
  }
  const { body } = await get(`${router.adminUrl}/endpoints`);
  assert.deepEqual(body.map(({ name }: { name: string }) => name).sort(), ['engine-0', 'engine-1']);
});
