// The admin port: dashboard, health, metrics, and what the router knows, as JSON.
import { checkAdminKey } from '../access/admin-gate.js';
import type { Discovery } from '../discovery/discovery.js';
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import type { MetricsPage } from '../metrics/registry.js';
import type { Metrics } from '../metrics.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import { answerPeer, type PeerApi } from '../replica/peer-api.js';
import { WINDOW_MS } from '../traffic/traffic-log.js';
import { sendMetrics } from './api.js';
import type { DashboardFiles } from './dashboard-files.js';
import type { DecisionBook } from './decision-book.js';
import type { DemoControls } from './demo-controls.js';
import type { Fleet } from './fleet.js';
import { describeFleet, describeIndex } from './fleet-report.js';
import type { LiveFeed } from './live-feed.js';
import type { Readiness } from './readiness.js';
import { json, refuse } from './reply.js';
import { routeOf } from './route-table.js';
import type { Router } from './router.js';

const DECISIONS_SHOWN = 50;
/** A switch of the demo, not a document. */
const DEMO_BODY_BYTES = 1024;

export interface AdminParts {
  readonly discovery: Pick<Discovery, 'states'>;
  readonly router: Router;
  readonly fleet: Fleet;
  readonly book: DecisionBook;
  readonly index: PrefixIndex;
  readonly metrics: Metrics;
  /** Takes an `Accept` header. */
  readonly metricsPage: (accept: string | undefined) => MetricsPage;
  readonly files: DashboardFiles;
  readonly feed: LiveFeed;
  /** null: not a demo. */
  readonly demo: DemoControls | null;
  readonly bodyLimitBytes: number;
  readonly readiness: () => Readiness;
  readonly peerApi: PeerApi;
  /** SHA-256 of the key that is asked for; null: none is. */
  readonly adminKey: () => Buffer | null;
}

/** Handles every request of the admin port; never rejects. */
export function createAdmin(parts: AdminParts): (exchange: Exchange) => void {
  return (exchange) => {
    answer(exchange, parts).catch((failure: unknown) => refuse(exchange, failure, parts.metrics));
  };
}

async function answer(exchange: Exchange, parts: AdminParts): Promise<void> {
  const { method, path } = exchange;
  checkAdminKey(exchange, parts.adminKey());
  if (answerPeer(exchange, parts.peerApi)) return;
  if (method === 'GET' || method === 'HEAD') return show(exchange, parts);
  refuseForeign(exchange);
  if (method === 'POST' && path === '/explain') return explain(exchange, parts);
  if (method === 'POST' && path === '/demo' && parts.demo !== null) {
    return changeDemo(exchange, parts.demo);
  }
  throw new RouterError('method_not_allowed', `${path} does not take ${method}`);
}

async function show(exchange: Exchange, parts: AdminParts): Promise<void> {
  const { fleet, book, index } = parts;
  switch (exchange.path) {
    case '/livez':
      return exchange.respond(200, [], 'ok\n');
    case '/readyz':
      return tellReadiness(exchange, parts.readiness());
    case '/metrics':
      return sendMetrics(exchange, parts.metricsPage(exchange.header('accept')));
    case '/endpoints':
      return json(exchange, 200, describeFleet(fleet));
    case '/discovery':
      return json(exchange, 200, parts.discovery.states);
    case '/index':
      return json(exchange, 200, describeIndex(fleet, index));
    case '/decisions':
      return decisions(exchange, book);
    case '/mismatches':
      return json(
        exchange,
        200,
        book.mismatches.latest(countAsked(new URLSearchParams(exchange.query))),
      );
    case '/history':
      return json(exchange, 200, { intervalMs: WINDOW_MS, points: book.traffic.points });
    case '/live':
      return parts.feed.watch(exchange);
    default:
      if (parts.files.send(exchange)) return;
      if (exchange.path === '/explain') {
        throw new RouterError(
          'method_not_allowed',
          '/explain takes POST, with a request as its body',
        );
      }
      throw new RouterError('not_found', `the admin port has no ${exchange.path}`);
  }
}

/** A page of another site, open in an operator's browser, must not change or ask anything here. */
function refuseForeign(exchange: Exchange): void {
  const origin = exchange.header('origin');
  // Browsers say the latter themselves; it holds behind a proxy that gives us another host name.
  if (origin === undefined || exchange.header('sec-fetch-site') === 'same-origin') return;
  const host = exchange.header('host');
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw new RouterError('forbidden', `a page of ${origin} may not send requests to this port`);
}

function tellReadiness(exchange: Exchange, { ready, text }: Readiness): void {
  exchange.respond(ready ? 200 : 503, [], `${text}\n`);
}

/** `?n=` decisions, 50 unless asked, or the one with `?id=`. */
function decisions(exchange: Exchange, { log }: DecisionBook): void {
  const query = new URLSearchParams(exchange.query);
  const id = query.get('id');
  if (id === null) {
    json(exchange, 200, log.latest(countAsked(query)));
    return;
  }
  const found = log.find(Number(id));
  if (found === undefined) {
    throw new RouterError('not_found', `decision ${id} is not among the last ones kept`);
  }
  json(exchange, 200, found);
}

function countAsked(query: URLSearchParams): number {
  const asked = Number(query.get('n') ?? DECISIONS_SHOWN);
  return Number.isInteger(asked) && asked > 0 ? asked : DECISIONS_SHOWN;
}

/** `?path=` names the API of the body where it is not plain from it; `?prompt=true` shows the prompt. */
async function explain(exchange: Exchange, { router, bodyLimitBytes }: AdminParts): Promise<void> {
  const body = await exchange.readBody(bodyLimitBytes);
  const query = new URLSearchParams(exchange.query);
  const showsPrompt = query.get('prompt') === 'true';
  const shape = explainedShape(query.get('path'), body);
  const { headers } = exchange;
  json(exchange, 200, await router.explain(shape, body, { headers, showsPrompt }));
}

async function changeDemo(exchange: Exchange, demo: DemoControls): Promise<void> {
  const body = await exchange.readBody(DEMO_BODY_BYTES);
  let wish: unknown;
  try {
    wish = JSON.parse(Buffer.from(body).toString());
  } catch (cause) {
    throw new RouterError('invalid_json', 'the body is not JSON', { cause });
  }
  demo.change(wish);
  json(exchange, 200, demo.state());
}

/** Throws RouterError for a path whose requests are not routed by prefix. null: a body with messages is
 * a chat, anything else a completion, whose parser says what is wrong. */
export function explainedShape(path: string | null, body: Uint8Array): RequestShape {
  if (path === null) return Buffer.from(body).includes('"messages"') ? 'chat' : 'completions';
  const route = routeOf('POST', path, '');
  if (route.kind === 'generation') return route.shape;
  throw new RouterError('invalid_request', `requests to ${path} are not routed by prefix`, {
    param: 'path',
  });
}
