// OpenAiServer: the simulated engine's HTTP front: vLLM's routes, error bodies and access rules.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { RouterError } from '../errors.js';
import { errorBody } from '../http/error-body.js';
import type { Exchange } from '../http/exchange.js';
import { createServer, type HttpServer } from '../http/server.js';
import { log } from '../log.js';
import { type GenerationService, generate, render } from './generation-routes.js';
import {
  countTokens,
  detokenize,
  loadAdapter,
  respondJson,
  tokenize,
  type UtilityService,
  unloadAdapter,
} from './utility-routes.js';

export interface ServerService extends GenerationService, UtilityService {
  readonly version: string;
  /** vLLM's VLLM_SERVER_DEV_MODE: reset, sleep and wake over HTTP. */
  readonly devRoutes: boolean;
  /** Guards paths that vLLM guards; null: open. */
  readonly apiKey: string | null;
  readonly metricsText: () => string;
}

type Route = (exchange: Exchange) => void | Promise<void>;

const DRAIN_LOOK_MS = 5;
const GUARDED = /^\/(v1|v2|inference|cohere)(\/|$)/;
const JSON_HEADERS = [['content-type', 'application/json']] as const;
const METRICS_HEADERS = [['content-type', 'text/plain; version=0.0.4; charset=utf-8']] as const;

export class OpenAiServer {
  private readonly service: ServerService;
  private readonly routes: ReadonlyMap<string, ReadonlyMap<string, Route>>;
  private server: HttpServer | null = null;

  constructor(service: ServerService) {
    this.service = service;
    this.routes = new Map(
      Object.entries({
        ...mainRoutes(service),
        ...(service.devRoutes ? devRoutes(service) : {}),
      }).map(([path, methods]) => [path, new Map(Object.entries(methods))]),
    );
  }

  /** Returns the port. May be called again after `close`. */
  async listen(host: string, port: number): Promise<number> {
    this.server = createServer((exchange) => void this.answer(exchange));
    return this.server.listen(host, port);
  }

  /** Breaks every connection; new ones are refused. */
  close(): void {
    this.server?.close();
    this.server = null;
  }

  /** As a server that is asked to stop: refuses new connections and lets requests in flight end, at
   * most `graceMs`; then it is closed. */
  async drain(graceMs: number): Promise<void> {
    const deadlineMs = performance.now() + graceMs;
    this.server?.stopAccepting();
    while ((this.server?.openExchanges ?? 0) > 0 && performance.now() < deadlineMs) {
      await delay(DRAIN_LOOK_MS);
    }
    this.close();
  }

  private async answer(exchange: Exchange): Promise<void> {
    try {
      const route = this.route(exchange);
      const { delayMs, paths } = this.service.faults;
      const waitMs = delayMs + (paths.get(exchange.path)?.delayMs ?? 0);
      if (waitMs > 0) await delay(waitMs);
      await route(exchange);
    } catch (error) {
      this.fail(exchange, error);
    }
  }

  private route(exchange: Exchange): Route {
    const { method, path } = exchange;
    const { apiKey, faults } = this.service;
    if (apiKey !== null && GUARDED.test(path) && method !== 'OPTIONS') {
      if (exchange.header('authorization') !== `Bearer ${apiKey}`) return unauthorized;
    }
    const methods = this.routes.get(path);
    if (methods === undefined) throw new RouterError('not_found', 'Not Found');
    faults.seen.set(path, (faults.seen.get(path) ?? 0) + 1);
    const route = methods.get(method);
    if (route === undefined) throw new RouterError('method_not_allowed', 'Method Not Allowed');
    const ofPath = faults.paths.get(path)?.status ?? null;
    if (ofPath !== null) return (refused) => refuse(refused, ofPath);
    const { status } = faults;
    return status === null || !path.startsWith('/v1/') || method !== 'POST'
      ? route
      : (refused) => refuse(refused, status);
  }

  private fail(exchange: Exchange, error: unknown): void {
    if (error instanceof RouterError && error.code === 'client_closed') return;
    if (exchange.aborted || exchange.started) return;
    if (error instanceof RouterError) {
      exchange.respond(error.status, JSON_HEADERS, errorBody(error, exchange.path));
      return;
    }
    log.error('simulated engine failed a request', { path: exchange.path, error: String(error) });
    const internal = new RouterError('internal', String(error));
    exchange.respond(internal.status, JSON_HEADERS, errorBody(internal, exchange.path));
  }
}

type Routes = Readonly<Record<string, Readonly<Record<string, Route>>>>;

function mainRoutes(service: ServerService): Routes {
  const health: Route = (exchange) =>
    exchange.respond(service.faults.unhealthy ? 503 : 200, [], '');
  return {
    '/v1/chat/completions': { POST: (exchange) => generate(service, 'chat', exchange) },
    '/v1/completions': { POST: (exchange) => generate(service, 'completions', exchange) },
    '/v1/messages': { POST: (exchange) => generate(service, 'messages', exchange) },
    '/v1/messages/count_tokens': { POST: (exchange) => countTokens(service, exchange) },
    '/v1/responses': { POST: (exchange) => generate(service, 'responses', exchange) },
    '/inference/v1/generate': { POST: (exchange) => generate(service, 'generate', exchange) },
    '/v1/chat/completions/render': { POST: (exchange) => render(service, 'chat', exchange) },
    '/v1/completions/render': { POST: (exchange) => render(service, 'completions', exchange) },
    '/v1/models': { GET: (exchange) => respondJson(exchange, service.models.list()) },
    '/v1/load_lora_adapter': { POST: (exchange) => loadAdapter(service, exchange) },
    '/v1/unload_lora_adapter': { POST: (exchange) => unloadAdapter(service, exchange) },
    '/tokenize': { POST: (exchange) => tokenize(service, exchange) },
    '/detokenize': { POST: (exchange) => detokenize(service, exchange) },
    '/health': { GET: health },
    '/ping': { GET: health, POST: health },
    '/version': { GET: (exchange) => respondJson(exchange, { version: service.version }) },
    '/load': {
      GET: (exchange) => {
        const loads = service.ranks.map(({ engine }) => {
          return engine.runningRequests + engine.waitingRequests;
        });
        respondJson(exchange, { server_load: loads.reduce((sum, load) => sum + load, 0) });
      },
    },
    '/metrics': {
      GET: (exchange) => exchange.respond(200, METRICS_HEADERS, service.metricsText()),
    },
  };
}

function devRoutes({ ranks }: ServerService): Routes {
  const engines = ranks.map(({ engine }) => engine);
  return {
    '/reset_prefix_cache': {
      POST: (exchange) => {
        const preempts = /(^|&)reset_running_requests=true(&|$)/i.test(exchange.query);
        const done = engines.map((engine) => engine.resetCache(preempts));
        respondJson(exchange, { success: done.every((success) => success) });
      },
    },
    '/sleep': {
      POST: (exchange) => {
        for (const engine of engines) {
          engine.resetCache(true);
          engine.pause();
        }
        exchange.respond(200, [], '');
      },
    },
    '/wake_up': {
      POST: (exchange) => {
        for (const engine of engines) engine.resume();
        exchange.respond(200, [], '');
      },
    },
    '/is_sleeping': {
      GET: (exchange) => respondJson(exchange, { is_sleeping: ranks[0].engine.isPaused }),
    },
  };
}

/** vLLM's form for a missing or wrong key: a string where other errors have an object. */
function unauthorized(exchange: Exchange): void {
  respondJson(exchange, { error: 'Unauthorized' }, 401);
}

function refuse(exchange: Exchange, status: number): void {
  const error = {
    message: `the engine answers ${status} (a fault was asked for)`,
    type: 'ServiceUnavailableError',
    param: null,
    code: status,
  };
  exchange.respond(status, [...JSON_HEADERS, ['retry-after', '1']], JSON.stringify({ error }));
}
