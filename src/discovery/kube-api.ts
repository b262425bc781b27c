// KubeApi: requests to the Kubernetes API server with the official client's configuration.
//
// The client brings what is long to get right: kubeconfig files, certificates, tokens that rotate and
// login plugins. Its informer is not used (1.4.0): it gives up on every failure but 410, tries again
// without a pause after a clean end, sets no deadline of its own and asks for no bookmarks.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Deadline } from '../deadline.js';
import { ConfigError } from '../errors.js';

/** The API server refused or could not be reached. `status` 0: no answer. */
export class KubeApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'KubeApiError';
    this.status = status;
  }
}

/** To the head of an answer; a list of a busy server takes seconds. */
const HEAD_TIMEOUT_MS = 15_000;
/** Kubernetes bounds an object to some 1.5 MB; a page of a list has up to 500 of them. */
const TEXT_BYTES_MAX = 256 * 1024 * 1024;
const ERROR_BYTES_MAX = 256 * 1024;
const ERROR_TEXT_MAX = 300;
/** For a whole page of a list. */
const TEXT_TIMEOUT_MS = 60_000;
/** So that a network which forgot the connection of a quiet watch is noticed. */
const KEEP_ALIVE_MS = 30_000;

export class KubeApi {
  readonly #config: KubeConfig;
  readonly server: string;
  /** Of the context, or of the pod we run in. */
  readonly namespace: string | null;

  private constructor(config: KubeConfig) {
    this.#config = config;
    this.server = config.getCurrentCluster()?.server ?? '';
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? null;
  }

  /** `kubeconfig` null: KUBECONFIG, ~/.kube/config or the pod's service account, in this order. Rejects
   * with ConfigError when it cannot be read. */
  static async open(kubeconfig: string | null): Promise<KubeApi> {
    // 80 MB of generated classes: only for those who need them.
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    try {
      if (kubeconfig === null) config.loadFromDefault();
      else config.loadFromFile(kubeconfig);
      if (config.getCurrentCluster() === null) throw new Error('it has no current context');
    } catch (cause) {
      const what = kubeconfig ?? 'the Kubernetes configuration';
      throw new ConfigError(`${what} cannot be used: ${messageOf(cause)}`);
    }
    return new KubeApi(config);
  }

  /** The parsed answer. Rejects with KubeApiError. */
  async getJson(path: string, signal: AbortSignal): Promise<unknown> {
    const text = await this.#getText(path, signal);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new KubeApiError(0, `GET ${path}: the answer is not JSON`, cause);
    }
  }

  async #getText(path: string, signal: AbortSignal): Promise<string> {
    const deadline = new Deadline(signal, TEXT_TIMEOUT_MS);
    try {
      return await textOf(await this.get(path, deadline.signal), TEXT_BYTES_MAX);
    } finally {
      deadline.end();
    }
  }

  /** An answer 200 whose body is still to come. Rejects with KubeApiError. */
  async get(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(`${this.server.replace(/\/+$/, '')}${path}`);
    const options: RequestOptions = { headers: { accept: 'application/json' } };
    // Anew each time: tokens and certificates in files are exchanged while we run.
    await this.#config.applyToHTTPSOptions(options);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const fail = (cause: unknown) => {
        reject(new KubeApiError(0, `${url.origin} cannot be reached: ${messageOf(cause)}`, cause));
      };
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(url, { ...options, signal, method: 'GET' }, (response) => {
        clearTimeout(deadline);
        resolve(response);
      });
      const deadline = setTimeout(() => {
        request.destroy(new Error(`no answer within ${HEAD_TIMEOUT_MS} ms`));
      }, HEAD_TIMEOUT_MS);
      request.on('error', (cause) => {
        clearTimeout(deadline);
        fail(cause);
      });
      request.setSocketKeepAlive(true, KEEP_ALIVE_MS);
      request.end();
    });
    if (answer.statusCode === 200) return answer;
    const status = answer.statusCode ?? 0;
    const text = await textOf(answer, ERROR_BYTES_MAX).catch(() => '');
    throw new KubeApiError(status, `GET ${url.pathname}: ${status} ${reasonIn(text)}`);
  }
}

async function textOf(answer: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > bytesMax) throw new Error(`more than ${bytesMax} bytes`);
      chunks.push(bytes);
    }
  } catch (cause) {
    throw new KubeApiError(0, `the API server's answer broke off: ${messageOf(cause)}`, cause);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The message of the Status object that errors come as, else what there is. */
function reasonIn(text: string): string {
  try {
    const status: unknown = JSON.parse(text);
    if (typeof status === 'object' && status !== null && 'message' in status) {
      return String(status.message).slice(0, ERROR_TEXT_MAX);
    }
  } catch {
    // A proxy in between answers in its own form.
  }
  return text.slice(0, ERROR_TEXT_MAX);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
