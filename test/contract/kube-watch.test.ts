// Discovery against what a real API server said, byte for byte: pages, a watch with its bookmark, and both
// ways in which it says that it has forgotten.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/config.js';
import { KubernetesSource } from '../../src/discovery/kubernetes-source.js';
import { setLogLevel } from '../../src/log.js';
import { waitFor } from '../support/wait-for.js';
import { WantedList } from '../support/wanted-list.js';

setLogLevel('error');

interface Recorded {
  readonly pages: readonly [RecordedList, RecordedList];
  readonly events: readonly string[];
  /** The only line of a watch from a version that is gone. */
  readonly expired: string;
  /** The answer to a continue token that is. */
  readonly oldPage: { readonly status: number; readonly body: object };
}

interface RecordedList {
  readonly metadata: { readonly resourceVersion: string; readonly continue: string };
}

const FILE = new URL('../../../test/vectors/kube/endpointslices.json', import.meta.url);
const recorded: Recorded = JSON.parse(readFileSync(FILE, 'utf8'));

test('the exchange of a real API server is followed to the letter', async (t) => {
  const [first, second] = recorded.pages;
  const asked: string[] = [];
  let watch: ServerResponse | null = null;
  let watches = 0;
  let isOld = false;
  const json = (response: ServerResponse, status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://kube').searchParams;
    const version = query.get('resourceVersion');
    if (query.get('watch') === 'true') {
      watches += 1;
      asked.push(`watch ${version}`);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      if (watches === 2) response.end(`${recorded.expired}\n`);
      else watch = response;
      return;
    }
    const token = query.get('continue');
    asked.push(token === null ? 'list' : 'page');
    assert.ok(token === null || token === first.metadata.continue);
    if (token === null) return json(response, 200, first);
    if (!isOld) return json(response, 200, second);
    isOld = false;
    json(response, recorded.oldPage.status, recorded.oldPage.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-kube-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const { port } = server.address() as AddressInfo;
  // The client allows plain HTTP only to those who check no certificate.
  const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
      clusters: [{ name: 'test', cluster }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'llm' } }],
      users: [{ name: 'test', user: {} }],
    }),
  );
  const endpoints = { kubernetes: { service: 'vllm', kubeconfig } };
  const models = [{ name: 'm', tokenizer: 't', endpoints }];
  const [config] = parseConfig(JSON.stringify({ models }), 'x').config.models[0]?.sources ?? [];
  assert.ok(config?.kind === 'kubernetes');
  const list = new WantedList();
  const source = new KubernetesSource({
    ...{ config, listener: list, random: Math.random, qualified: false },
    timing: { backoff: { firstMs: 5, maxMs: 20 } },
  });
  t.after(() => {
    source.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const names = (expected: string) => waitFor(expected, () => list.names === expected);

  await names('vllm-0 vllm-1 vllm-2');
  assert.deepEqual(
    list.last.map(({ url, identity }) => [url, identity]),
    ['10.0.0.0', '10.0.0.1', '10.0.0.2'].map((ip) => [`http://${ip}:8000`, `uid-${ip}`]),
  );
  await waitFor('a watch', () => watch !== null);
  const [added, terminating, deleted, another, bookmark] = recorded.events;
  const send = (...lines: (string | undefined)[]) => watch?.write(`${lines.join('\n')}\n`);
  send(added);
  await names('vllm-0 vllm-1 vllm-2 vllm-3');
  send(terminating);
  await names('vllm-0 vllm-1 vllm-2 vllm-3!');
  send(deleted);
  await names('vllm-0 vllm-1 vllm-2');
  send(another, bookmark);
  await names('vllm-1 vllm-2');
  isOld = true;
  watch = null;
  const [open] = [watches];
  server.closeAllConnections();
  await waitFor('the watch after both refusals', () => watches > open + 1 && watch !== null);
  await names('vllm-0 vllm-1 vllm-2');

  const { resourceVersion } = first.metadata;
  const marked = JSON.parse(bookmark ?? '').object.metadata.resourceVersion;
  assert.deepEqual(asked, [
    ...['list', 'page', `watch ${resourceVersion}`],
    // From the bookmark on, which the server has forgotten; so has it the token of the first page.
    ...[`watch ${marked}`, 'list', 'page', 'list', 'page', `watch ${resourceVersion}`],
  ]);
  assert.deepEqual(list.failures, []);
});
