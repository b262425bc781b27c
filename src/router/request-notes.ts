// RequestNotes: what is found out about one request on its way, for log, limits and traces.
import { performance } from 'node:perf_hooks';
import type { RouterError } from '../errors.js';
import type { Exchange, HeaderList } from '../http/exchange.js';
import type { Usage } from '../openai/usage-reader.js';
import type { DecisionRecord } from './decision-log.js';
import { requestIdHeader, requestIdsOf } from './request-ids.js';

/** Of a JSON body for each token of its prompt, roughly. */
const BODY_BYTES_PER_TOKEN = 4;

export class RequestNotes {
  readonly receivedMs = performance.now();
  ids: ReturnType<typeof requestIdsOf>;
  /** Set or replaced on the way to the engine. */
  engineHeaders: HeaderList;
  /** The request's body, once it went to an engine. */
  body: Uint8Array | null = null;
  /** The last attempt's. */
  decision: DecisionRecord | null = null;
  attempts = 0;
  /** Name of the key it came with; null: it came with none, or none is asked for. */
  keyName: string | null = null;
  /** For a place at the engines. */
  waitedMs = 0;
  stream = false;
  /** What the engine reported with a complete answer. */
  usage: Usage | null = null;
  /** Chunks of the answer: of a stream about one a token. */
  chunks = 0;
  /** Why the router refused, or could not have answered. */
  failure: RouterError | null = null;

  constructor(exchange: Exchange) {
    this.ids = requestIdsOf(exchange);
    this.engineHeaders = requestIdHeader(exchange, this.ids);
  }

  /** Tokens that the request used, of its prompt and its answer: as the engine reported them, else as
   * many as the router counts. */
  get usedTokens(): number {
    const { usage, decision, body, chunks, stream } = this;
    const counted = decision === null ? 0 : decision.promptTokens;
    const estimated = counted > 0 ? counted : (body?.length ?? 0) / BODY_BYTES_PER_TOKEN;
    const prompt = usage?.promptTokens ?? Math.ceil(estimated);
    return prompt + (usage?.completionTokens ?? (stream ? chunks : 0));
  }

  /** Sent back with every answer but the shortest of our own. */
  get answerHeaders(): HeaderList {
    return [['x-request-id', this.ids.requestId]];
  }
}

const NOTES = new WeakMap<Exchange, RequestNotes>();

/** The notes of an exchange; they begin when first asked for. */
export function notesOf(exchange: Exchange): RequestNotes {
  let notes = NOTES.get(exchange);
  if (notes === undefined) {
    notes = new RequestNotes(exchange);
    NOTES.set(exchange, notes);
  }
  return notes;
}
