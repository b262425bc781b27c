// deploy/ as a whole: what it renders to, whether a cluster would take it, and whether it speaks of
// metrics, alerts and settings that exist.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { get, post } from '../support/openai-client.js';
import { QUICK_TOKENIZER, startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';
import { waitFor } from '../support/wait-for.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DEPLOY = join(ROOT, 'deploy');

interface KubeManifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** A script of the repository, which is plain JavaScript. */
async function script<T>(name: string): Promise<T> {
  return await import(join(ROOT, 'scripts', 'deploy', name));
}

const hasKubectl = () => {
  try {
    execFileSync('kubectl', ['kustomize', join(DEPLOY, 'base')], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

test('every manifest renders, validates, and fits those around it', async () => {
  const { stdout } = await run(process.execPath, [join(ROOT, 'scripts/deploy-check.mjs')]);
  assert.match(stdout, /objects, 0 problems/);
});

test('our reader of kustomizations renders what kubectl does', async (t) => {
  if (!hasKubectl()) return t.skip('kubectl is not installed');
  const { render } = await script<{ render(folder: string): KubeManifest[] }>('kustomize.mjs');
  // Names of generated ConfigMaps end in a digest, of which kustomize has its own.
  const plain = (one: unknown): KubeManifest =>
    JSON.parse(
      JSON.stringify(one).replaceAll(/(warmpath-(?:config|tokenizer))-[a-z0-9]{10}/g, '$1'),
    );
  const keyOf = ({ kind, metadata }: KubeManifest) => `${kind} ${metadata.name}`;
  for (const top of ['overlays/development', 'overlays/production', 'kserve']) {
    const folder = join(DEPLOY, top);
    const text = execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
    const theirs = parseAllDocuments(text).map((document) => plain(document.toJS()));
    const ours = render(folder).map(plain);
    assert.equal(ours.length, theirs.length);
    for (const one of ours) {
      const other = theirs.find((their) => keyOf(their) === keyOf(one));
      assert.ok(isDeepStrictEqual(one, other), `${top}: ${keyOf(one)}`);
    }
  }
});

test('a mistake in a manifest is found, whatever kind of mistake it is', async () => {
  const { validate, unknownFields } = await script<{
    validate(object: object): string[];
    unknownFields(objects: readonly object[]): string[];
  }>('schemas.mjs');
  const service = (spec: object) => ({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } },
    spec,
  });
  assert.deepEqual(validate(service({ ports: [{ port: 80 }] })), []);
  assert.match(String(validate(service({ ports: [{ name: 'http' }] }))), /required property port/);
  const typo = service({ ports: [{ port: 80, targetport: 8080 }] });
  assert.deepEqual(validate(typo), []);
  assert.match(String(unknownFields([{ label: 'x', object: typo }])), /targetport/);
  const pool = (spec: object) => ({
    ...{ apiVersion: 'inference.networking.k8s.io/v1', kind: 'InferencePool' },
    ...{ metadata: { name: 'x' }, spec },
  });
  const problems = validate(pool({ selector: { matchLabels: {} }, targetPorts: [{ number: 0 }] }));
  assert.match(String(problems), /no port.*endpointPickerRef is required/);
  assert.match(String(validate({ apiVersion: 'x/v1', kind: 'Y' })), /no schema/);
});

test('the names of metrics are read out of queries as Prometheus reads them', async () => {
  const { metricNames } = await script<{ metricNames(text: string): string[] }>('promql.mjs');
  assert.deepEqual(
    metricNames(
      'histogram_quantile(0.9, sum by (le, pod) (rate(a_bucket{x="by",y=~"b|c"}[5m] offset 1d))) > 1e3 and on (z) d:e:f unless g',
    ),
    ['a_bucket', 'd:e:f', 'g'],
  );
});

test('alerts, dashboard and autoscalers name only metrics that a router really exports', async (t) => {
  const [sim] = await startSims(t, 1, { model: TEST_MODEL });
  assert.ok(sim !== undefined);
  const { url, adminUrl } = await startRouter(t, [sim], {}, QUICK_TOKENIZER);
  await post(`${url}/v1/completions`, { model: TEST_MODEL, prompt: [1, 2, 3], max_tokens: 2 });
  const { text } = await get(`${adminUrl}/metrics`);
  const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  const { metricProblems } = await script<{
    metricProblems(deploy: string, exported: readonly string[]): string[];
  }>('metric-checks.mjs');
  assert.deepEqual(metricProblems(DEPLOY, families), []);
  const without = families.filter((name) => name !== 'warmpath_waiting_requests');
  assert.ok(metricProblems(DEPLOY, without).length > 2);
});

test('every alert has its entry in the documentation, and links to it', async () => {
  const { alertNames } = await script<{ alertNames(deploy: string): string[] }>(
    'metric-checks.mjs',
  );
  const page = readFileSync(join(ROOT, 'docs', 'kubernetes.md'), 'utf8');
  const rules = readFileSync(join(DEPLOY, 'components/monitoring/prometheusrule.yaml'), 'utf8');
  const names = alertNames(DEPLOY);
  assert.ok(names.length > 10);
  for (const name of names) {
    assert.match(page, new RegExp(`^### ${name}$`, 'm'), `${name} has no entry`);
    assert.ok(rules.includes(`docs/kubernetes.md#${name.toLowerCase()}`), `${name} has no link`);
  }
});

test('the tokenizer is fetched from a repository that falters, without what it does not have', async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization ?? ''}`);
    const isFirst = asked.length === 1;
    const name = String(request.url).split('/').at(-1) ?? '';
    const has = ['tokenizer.json', 'tokenizer_config.json'].includes(name);
    response.statusCode = isFirst ? 503 : has ? 200 : 404;
    response.end(`content of ${name}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-tokenizer-'));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  await run(process.execPath, [join(DEPLOY, 'base/fetch-tokenizer.mjs'), join(folder, 'model')], {
    env: {
      MODEL_REPOSITORY: 'org/model',
      MODEL_REVISION: 'v1',
      HF_ENDPOINT: `http://127.0.0.1:${port}`,
      HF_TOKEN: 'secret',
    },
  });
  assert.equal(asked[0], '/org/model/resolve/v1/tokenizer.json Bearer secret');
  assert.equal(
    readFileSync(join(folder, 'model', 'tokenizer_config.json'), 'utf8'),
    'content of tokenizer_config.json',
  );
  assert.equal(existsSync(join(folder, 'model', 'config.json')), false);
});

test('the preStop of the vLLM engines ends when their last request has', async (t) => {
  const file = readFileSync(join(DEPLOY, 'engines/vllm/statefulset.yaml'), 'utf8');
  const [manifest] = parseAllDocuments(file).map((document) => document.toJS());
  const [container] = manifest.spec.template.spec.containers;
  const code: string = container.lifecycle.preStop.exec.command.at(-1);
  const [sim] = await startSims(t, 1, { model: TEST_MODEL, timing: 'qwen2.5-7b-h100' });
  assert.ok(sim !== undefined);
  const hurried = code
    .replace('http://127.0.0.1:8000', sim.url)
    .replace('time.sleep(10)', '')
    .replace('time.sleep(2)', 'time.sleep(0.02)');
  const body = { model: TEST_MODEL, prompt: [1, 2, 3], max_tokens: 150 };
  let answered = false;
  const asking = post(`${sim.url}/v1/completions`, body).then(() => {
    answered = true;
  });
  const metrics = async () => (await get(`${sim.url}/metrics`)).text;
  let page = '';
  await waitFor('a running request', () => {
    void metrics().then((text) => {
      page = text;
    });
    return /num_requests_running\{[^}]*\} 1/.test(page);
  });
  await run('python3', ['-c', hurried]);
  await asking;
  assert.equal(answered, true);
});
