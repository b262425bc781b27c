// TargetClient: streamed completions from any OpenAI-compatible server, each on a kept-alive connection.
import * as http from 'node:http';
import * as https from 'node:https';
import { ConfigError } from '../../../src/errors.js';

export interface ServedModel {
  readonly name: string;
  /** Longest prompt and answer; null: the server does not say. */
  readonly maxTokens: number | null;
}

export interface AnswerListener {
  onHead(status: number, headers: http.IncomingHttpHeaders): void;
  onText(text: string): void;
  /** Once; the reason why nothing more comes, null: the body is complete. */
  onEnd(problem: string | null): void;
}

/** A stream that stands still for this long is given up. */
const IDLE_MS = 600_000;

export class TargetClient {
  private readonly base: URL;
  private readonly agent: http.Agent;
  private readonly request: typeof http.request;
  private readonly authorization: Readonly<Record<string, string>>;

  /** Throws ConfigError when the text is no URL of http or https. */
  constructor(target: string, apiKey: string | null) {
    const base = URL.canParse(target) ? new URL(target) : null;
    if (base === null || (base.protocol !== 'http:' && base.protocol !== 'https:')) {
      throw new ConfigError(
        `bench fleet: --target ${target} is not a URL such as http://host:8080`,
      );
    }
    const { Agent, request } = base.protocol === 'https:' ? https : http;
    // People write the base URL of their SDK, which ends in /v1.
    base.pathname = base.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.base = base;
    this.request = request;
    this.agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
    this.authorization = apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  }

  get host(): string {
    return this.base.host;
  }

  /** Throws ConfigError that says why the target cannot be measured. */
  async models(): Promise<readonly ServedModel[]> {
    const where = `bench fleet: ${this.urlOf('/v1/models')}`;
    let response: Response;
    let body: { readonly data?: readonly { id?: unknown; max_model_len?: unknown }[] } | null;
    try {
      response = await fetch(this.urlOf('/v1/models'), { headers: this.authorization });
      if (response.status === 401 || response.status === 403) {
        throw new ConfigError(`${where} answers ${response.status}; --api-key gives a key`);
      }
      body = JSON.parse(await response.text());
    } catch (cause) {
      if (cause instanceof ConfigError) throw cause;
      const { message, code = message } = reasonOf(cause);
      throw new ConfigError(`${where} gives no list of models (${code}); is the server up?`);
    }
    const models = (body?.data ?? []).flatMap(({ id, max_model_len: length }) =>
      typeof id === 'string'
        ? [{ name: id, maxTokens: typeof length === 'number' ? length : null }]
        : [],
    );
    if (models.length > 0) return models;
    throw new ConfigError(`${where} answers ${response.status} and names no model`);
  }

  /** Never throws: whatever goes wrong ends the answer. */
  complete(body: string, listener: AnswerListener): void {
    const bytes = Buffer.from(body);
    let ended = false;
    const end = (problem: string | null) => {
      if (ended) return;
      ended = true;
      listener.onEnd(problem);
    };
    const request = this.request(
      this.urlOf('/v1/completions'),
      {
        ...{ method: 'POST', agent: this.agent, timeout: IDLE_MS },
        headers: {
          'content-type': 'application/json',
          'content-length': bytes.length,
          ...this.authorization,
        },
      },
      (response) => {
        listener.onHead(response.statusCode ?? 0, response.headers);
        response.setEncoding('utf8');
        response.on('data', (text: string) => listener.onText(text));
        response.on('end', () => end(null));
        response.on('error', (error) => end(reasonOf(error).message));
        response.on('close', () => end('the stream broke off'));
      },
    );
    request.on('timeout', () => request.destroy(new Error(`nothing came for ${IDLE_MS} ms`)));
    request.on('error', (error) => end(reasonOf(error).message));
    request.setNoDelay(true);
    request.end(bytes);
  }

  close(): void {
    this.agent.destroy();
  }

  private urlOf(path: string): string {
    return new URL(`${this.base.pathname.replace(/\/$/, '')}${path}`, this.base).href;
  }
}

/** fetch hides what went wrong one level down. */
function reasonOf(error: unknown): { readonly message: string; readonly code?: string } {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(inner instanceof Error)) return { message: String(inner) };
  const code = 'code' in inner && typeof inner.code === 'string' ? { code: inner.code } : {};
  return { message: inner.message, ...code };
}
