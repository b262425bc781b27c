// Loading and unloading a LoRA adapter: done on every endpoint of its model, since a request for it
// may go to any of them.
import { RouterError } from '../errors.js';
import type { Exchange } from '../http/exchange.js';
import { broadcast, describeReply, type EngineReply, statusOf, succeeded } from './broadcast.js';
import type { Fleet } from './fleet.js';
import type { LiveEndpoint } from './live-endpoint.js';
import { json } from './reply.js';

export interface AdapterRouteParts {
  readonly fleet: Fleet;
  /** Weights may be fetched first. */
  readonly timeoutMs: number;
}

type Action = 'load' | 'unload';

interface AdapterNames {
  readonly lora: string | null;
  /** The base model, for routers that serve several; engines ignore the field. */
  readonly model: string | null;
}

/** `body` goes to the engines as it came. */
export async function changeAdapter(
  exchange: Exchange,
  body: Uint8Array,
  action: Action,
  { fleet, timeoutMs }: AdapterRouteParts,
): Promise<void> {
  const { method, path, query, headers } = exchange;
  const names = namesIn(body);
  const endpoints = endpointsOf(names, action, fleet);
  const target = query === '' ? path : `${path}?${query}`;
  const replies = await broadcast(endpoints, { method, target, headers, body }, timeoutMs);
  // Requests for the adapter may follow at once.
  await fleet.refresh(replies.filter(succeeded).map(({ live }) => live));
  answer(exchange, action, names.lora, replies);
}

function answer(
  exchange: Exchange,
  action: Action,
  lora: string | null,
  replies: readonly EngineReply[],
): void {
  const failed = replies.filter((reply) => !isDone(reply, action));
  const spokesman =
    failed.length === 0 ? (replies.find(succeeded) ?? replies[0]) : sharedRefusal(replies);
  if (spokesman !== undefined && !(spokesman.answer instanceof RouterError)) {
    const { status, headers, body } = spokesman.answer;
    exchange.respond(status, headers, body);
    return;
  }
  const names = failed.map(({ live }) => live.endpoint.name).join(', ');
  const done = replies.length - failed.length;
  json(exchange, 502, {
    error: {
      message:
        `adapter ${JSON.stringify(lora ?? '')}: ${action} succeeded on ${done} of ` +
        `${replies.length} engines, not on ${names}; see endpoints, then send it again`,
      type: 'PartialFailureError',
      param: 'lora_name',
      code: 502,
    },
    endpoints: replies.map(describeReply),
  });
}

/** An engine that has it loaded already, or unloaded, is where it should be. */
function isDone(reply: EngineReply, action: Action): boolean {
  if (succeeded(reply)) return true;
  const status = statusOf(reply);
  if (action === 'unload') return status === 404;
  const { answer: said } = reply;
  return status === 400 && !(said instanceof RouterError) && /already/i.test(said.body.toString());
}

/** All engines refuse it alike: a mistake of the request, and their words are the best. */
function sharedRefusal(replies: readonly EngineReply[]): EngineReply | undefined {
  const [first, ...others] = replies;
  if (first === undefined) return undefined;
  const status = statusOf(first);
  return others.every((reply) => statusOf(reply) === status) ? first : undefined;
}

function endpointsOf(names: AdapterNames, action: Action, fleet: Fleet): readonly LiveEndpoint[] {
  const models = new Set(fleet.all.map(({ endpoint }) => endpoint.model));
  if (names.model !== null && fleet.knows(names.model)) return fleet.serving(names.model);
  if (models.size <= 1) return fleet.all;
  const holders = action === 'unload' && names.lora !== null ? fleet.serving(names.lora) : [];
  if (holders.length > 0) return holders;
  throw new RouterError(
    'invalid_request',
    `model: is required here, one of ${[...models].join(', ')}: the router serves several`,
    { param: 'model' },
  );
}

function namesIn(body: Uint8Array): AdapterNames {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString());
    const field = (key: string): string | null => {
      if (typeof parsed !== 'object' || parsed === null) return null;
      const value: unknown = Object.entries(parsed).find(([name]) => name === key)?.[1];
      return typeof value === 'string' ? value : null;
    };
    return { lora: field('lora_name'), model: field('model') ?? field('base_model_name') };
  } catch {
    // The engines say what is wrong with it.
    return { lora: null, model: null };
  }
}
