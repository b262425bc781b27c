// RouterError -> what an OpenAI client reads: an error body, or an error event inside a stream.
import type { RouterError } from '../errors.js';

/** vLLM's error object; `code` is the HTTP status as an integer. */
export function errorBody(error: RouterError): string {
  const { message, type, param, status } = error;
  return JSON.stringify({ error: { message, type, param, code: status } });
}

/** For a stream that has begun: its status is sent, so the failure travels as the last event. */
export function errorEvent(error: RouterError): string {
  return `data: ${errorBody(error)}\n\ndata: [DONE]\n\n`;
}
