// Routes of the engines' dev mode: closed unless the configuration opens them, then sent to every
// engine, since one that sleeps or has new weights alone is of no use.
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { broadcast, describeReply, succeeded } from './broadcast.js';
import type { Fleet } from './fleet.js';
import { json } from './reply.js';

export interface DevRouteParts {
  readonly fleet: Fleet;
  readonly devRoutes: boolean;
  readonly timeoutMs: number;
}

/** Throws RouterError `not_found` while the routes are closed. */
export function checkDevRoutes(path: string, { devRoutes }: DevRouteParts): void {
  if (devRoutes) return;
  throw new RouterError(
    'not_found',
    `${path} is a route of the engines' dev mode; devRoutes: true in the configuration opens it`,
  );
}

/** A single engine's answer as it is; of several a list. */
export async function commandEngines(
  exchange: Exchange,
  body: Uint8Array,
  { fleet, timeoutMs }: DevRouteParts,
): Promise<void> {
  const { method, path, query, headers } = exchange;
  const target = query === '' ? path : `${path}?${query}`;
  const sent = method === 'GET' || method === 'HEAD' ? null : body;
  const replies = await broadcast(fleet.all, { method, target, headers, body: sent }, timeoutMs);
  // An engine that sleeps must get no request from now on.
  await fleet.refresh(replies.filter(succeeded).map(({ live }) => live));
  const [only, second] = replies;
  if (only === undefined) throw new RouterError('no_endpoint', 'there is no endpoint');
  if (second !== undefined) {
    const status = replies.every(succeeded) ? 200 : 502;
    json(exchange, status, { endpoints: replies.map(describeReply) });
    return;
  }
  if (only.answer instanceof RouterError) throw only.answer;
  exchange.respond(only.answer.status, only.answer.headers, only.answer.body);
}
