// The admin port: health, metrics, and what the router knows, as JSON.

import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import type { RequestShape } from '../inference-request.js';
import type { Metrics } from '../metrics.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import { metricsPage } from './api.js';
import type { DecisionBook } from './decision-book.js';
import type { Fleet } from './fleet.js';
import { describeFleet, describeIndex } from './fleet-report.js';
import { json, refuse } from './reply.js';
import type { Router } from './router.js';

const DECISIONS_SHOWN = 50;

export interface AdminParts {
  readonly router: Router;
  readonly fleet: Fleet;
  readonly book: DecisionBook;
  readonly index: PrefixIndex;
  readonly metrics: Metrics;
  readonly bodyLimitBytes: number;
  readonly draining: () => boolean;
}

/** Handles every request of the admin port; never rejects. */
export function createAdmin(parts: AdminParts): (exchange: Exchange) => void {
  return (exchange) => {
    answer(exchange, parts).catch((failure: unknown) => refuse(exchange, failure, parts.metrics));
  };
}

async function answer(exchange: Exchange, parts: AdminParts): Promise<void> {
  const { method, path } = exchange;
  if (method === 'POST' && path === '/explain') return explain(exchange, parts);
  if (method !== 'GET' && method !== 'HEAD') {
    throw new RouterError('method_not_allowed', `${path} does not take ${method}`);
  }
  switch (path) {
    case '/livez':
      return exchange.respond(200, [], 'ok\n');
    case '/readyz':
      return readiness(exchange, parts);
    case '/metrics':
      return metricsPage(exchange, parts);
    case '/endpoints':
      return json(exchange, 200, describeFleet(parts.fleet));
    case '/index':
      return json(exchange, 200, describeIndex(parts.fleet, parts.index));
    case '/decisions':
      return json(exchange, 200, parts.book.log.latest(decisionCount(exchange)));
    case '/mismatches':
      return json(exchange, 200, parts.book.mismatches.latest(decisionCount(exchange)));
    default:
      throw new RouterError('not_found', `the admin port has no ${path}`);
  }
}

function readiness(exchange: Exchange, { fleet, draining }: AdminParts): void {
  const reason = draining()
    ? 'draining'
    : fleet.available(null).length === 0
      ? 'no healthy endpoint'
      : null;
  exchange.respond(reason === null ? 200 : 503, [], `${reason ?? 'ok'}\n`);
}

/** `?n=` decisions, 50 unless asked. */
function decisionCount(exchange: Exchange): number {
  const asked = Number(new URLSearchParams(exchange.query).get('n') ?? DECISIONS_SHOWN);
  return Number.isInteger(asked) && asked > 0 ? asked : DECISIONS_SHOWN;
}

async function explain(exchange: Exchange, { router, bodyLimitBytes }: AdminParts): Promise<void> {
  const body = await exchange.readBody(bodyLimitBytes);
  json(exchange, 200, await router.explain(shapeOf(body), body));
}

/** A chat body has messages; anything else is taken as a completion, whose parser says what is wrong. */
export function shapeOf(body: Uint8Array): RequestShape {
  return Buffer.from(body).includes('"messages"') ? 'chat' : 'completions';
}
