// ExchangeHandler: what a server calls for each request, and what happens when that fails.
import { inspect } from 'node:util';
import { RouterError } from '../errors.js';
import { log } from '../log.js';
import { errorBody, JSON_CONTENT } from './error-body.js';
import type { Exchange } from './exchange.js';

/** Called once the head is read and found sound. A body is to be asked for before the handler returns,
 * or its promise is awaited for the first time, where possible: reading it later costs a pause. */
export type ExchangeHandler = (exchange: Exchange) => void | Promise<void>;

/** A failure of the handler costs its request an answer and nothing else. */
export function callHandler(handler: ExchangeHandler, exchange: Exchange): void {
  const onFailure = (error: unknown) => {
    log.error('a request handler failed', { path: exchange.path, error: inspect(error) });
    if (exchange.started) exchange.destroy();
    else exchange.respond(500, JSON_CONTENT, errorBody(INTERNAL));
  };
  try {
    handler(exchange)?.catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}

/** Says nothing about the cause, which may name what clients should not see. */
const INTERNAL = new RouterError('internal', 'the router failed on this request');
