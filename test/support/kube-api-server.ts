// A Kubernetes API server for tests: lists in pages and watches over HTTPS, as the real one answers, and
// every fault of it at a test's word.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { KubeTestObject } from './kube-objects.js';

type Stored = KubeTestObject & { readonly metadata: { readonly resourceVersion: string } };

interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly path: string;
  readonly object: Stored;
  readonly version: number;
}

interface Watcher {
  readonly path: string;
  readonly selects: (object: Stored) => boolean;
  readonly response: ServerResponse;
}

/** Self-signed, for localhost and 127.0.0.1, good until 2126. */
const TLS = new URL('../../../test/vectors/tls/', import.meta.url);
const CERTIFICATE = readFileSync(new URL('localhost.crt', TLS), 'utf8');
const KEY = readFileSync(new URL('localhost.key', TLS), 'utf8');
const TOKEN = 'the-service-account';

export class KubeApiServer {
  readonly #server: Server;
  readonly #objects = new Map<string, Map<string, Stored>>();
  readonly #changes: Change[] = [];
  readonly #watchers = new Set<Watcher>();
  #version = 100;
  /** Changes up to this version are forgotten: a watch from before is answered 410. */
  #compacted = 0;
  /** Objects a page; what was asked for when null. */
  pageSize: number | null = null;
  /** The history is compacted once more after this many first pages. */
  expiringPages = 0;
  /** Answers every request with this status while set. */
  refusal: number | null = null;
  /** Watches get no events while set, as behind a network that forgot the connection. */
  silent = false;
  /** Requests answered, as `list`, `watch` or a status; with the query's version. */
  readonly requests: { readonly kind: string; readonly version: string | null }[] = [];
  readonly kubeconfig: string;

  private constructor(server: Server, kubeconfig: string) {
    this.#server = server;
    this.kubeconfig = kubeconfig;
  }

  static async start(context: TestContext, namespace = 'llm'): Promise<KubeApiServer> {
    const folder = mkdtempSync(join(tmpdir(), 'warmpath-kube-'));
    const kubeconfig = join(folder, 'kubeconfig');
    const server = createServer({ cert: CERTIFICATE, key: KEY });
    const api = new KubeApiServer(server, kubeconfig);
    server.on('request', (request, response) => api.#answer(request, response));
    await api.listen();
    writeFileSync(kubeconfig, configFile(api.port, namespace));
    context.after(() => {
      api.stop();
      rmSync(folder, { recursive: true });
    });
    return api;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get watches(): number {
    return this.#watchers.size;
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  /** Nobody can reach it any more. */
  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  put(path: string, object: KubeTestObject): void {
    const { name } = object.metadata;
    const known = this.#of(path).get(name);
    const version = ++this.#version;
    const uid = object.metadata.uid ?? `uid-${name}`;
    const metadata = { ...object.metadata, uid, resourceVersion: String(version) };
    const stored: Stored = { ...object, metadata };
    this.#of(path).set(name, stored);
    this.#change({
      type: known === undefined ? 'ADDED' : 'MODIFIED',
      path,
      object: stored,
      version,
    });
  }

  delete(path: string, name: string): void {
    const known = this.#of(path).get(name);
    if (known === undefined) throw new Error(`there is no ${name}`);
    this.#of(path).delete(name);
    const version = ++this.#version;
    const metadata = { ...known.metadata, resourceVersion: String(version) };
    this.#change({ type: 'DELETED', path, object: { ...known, metadata }, version });
  }

  /** Forgets the history, as etcd does after five minutes. */
  compact(): void {
    this.#compacted = this.#version;
    this.#changes.length = 0;
  }

  bookmark(): void {
    const object = { kind: 'Bookmark', metadata: { resourceVersion: String(++this.#version) } };
    this.sendToWatches(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  /** Bytes as they are, to every watch. */
  sendToWatches(text: string): void {
    for (const { response } of this.#watchers) response.write(text);
  }

  /** Ends every watch: in order, or as a broken connection. */
  endWatches(how: 'ended' | 'broken'): void {
    for (const { response } of [...this.#watchers]) {
      if (how === 'ended') response.end();
      else response.destroy();
    }
  }

  /** The changes so far as lines of a watch, oldest first, whoever they are for. */
  get lines(): readonly string[] {
    return this.#changes.map(lineOf);
  }

  #of(path: string): Map<string, Stored> {
    const known = this.#objects.get(path) ?? new Map<string, Stored>();
    this.#objects.set(path, known);
    return known;
  }

  #change(change: Change): void {
    this.#changes.push(change);
    if (this.silent) return;
    for (const { path, selects, response } of this.#watchers) {
      if (path === change.path && selects(change.object)) response.write(lineOf(change));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'https://kube');
    const { searchParams: query, pathname } = url;
    const version = query.get('resourceVersion');
    const isAllowed = request.headers.authorization === `Bearer ${TOKEN}`;
    const refusal = isAllowed ? this.refusal : 401;
    if (refusal !== null) {
      this.requests.push({ kind: String(refusal), version });
      status(response, refusal, `refused with ${refusal}`);
      return;
    }
    const selects = selector(query);
    if (query.get('watch') !== 'true') {
      this.requests.push({ kind: 'list', version });
      this.#list(pathname, query, selects, response);
      return;
    }
    this.requests.push({ kind: 'watch', version });
    response.writeHead(200, { 'content-type': 'application/json' });
    if (Number(version) < this.#compacted) {
      const object = {
        kind: 'Status',
        code: 410,
        message: 'too old resource version',
        reason: 'Expired',
      };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    response.flushHeaders();
    const watcher = { path: pathname, selects, response };
    this.#watchers.add(watcher);
    const seconds = Number(query.get('timeoutSeconds'));
    const timer = setTimeout(() => response.end(), seconds * 1000);
    response.on('close', () => {
      clearTimeout(timer);
      this.#watchers.delete(watcher);
    });
    for (const change of this.#changes) {
      const isMissed = change.path === pathname && change.version > Number(version);
      if (isMissed && selects(change.object)) response.write(lineOf(change));
    }
  }

  #list(
    path: string,
    query: URLSearchParams,
    selects: (object: Stored) => boolean,
    response: ServerResponse,
  ): void {
    const found = [...this.#of(path).values()].filter(selects);
    const [from = 0, at = this.#version] = (query.get('continue') ?? '').split('@').map(Number);
    if (query.has('continue') && at < this.#compacted) {
      status(response, 410, 'the continue token is too old');
      return;
    }
    const start = query.has('continue') ? from : 0;
    const size = this.pageSize ?? Number(query.get('limit'));
    const items = found.slice(start, start + size);
    const version = query.has('continue') ? at : this.#version;
    const next = start + size < found.length ? `${start + size}@${version}` : undefined;
    if (next !== undefined && this.expiringPages > 0) {
      this.expiringPages -= 1;
      this.#version += 1;
      this.compact();
    }
    const metadata = { resourceVersion: String(version), continue: next };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata, items }));
  }
}

function lineOf({ type, object }: Change): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function status(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, message }));
}

/** Equalities of a label selector, and `metadata.name` of a field selector. */
function selector(query: URLSearchParams): (object: Stored) => boolean {
  const wanted = (query.get('labelSelector') ?? '').split(',').filter((part) => part !== '');
  const name = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  return ({ metadata }) => {
    if (name !== undefined && metadata.name !== name) return false;
    return wanted.every((part) => {
      const [key = '', value] = part.split('=');
      return metadata.labels?.[key] === value;
    });
  };
}

function configFile(port: number, namespace: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority-data': Buffer.from(CERTIFICATE).toString('base64'),
        },
      },
    ],
    users: [{ name: 'test', user: { token: TOKEN } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    'current-context': 'test',
  });
}
