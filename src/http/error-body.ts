// The body of an error answer, in the form of vLLM's server and OpenAI's API.
import type { RouterError } from '../errors.js';
import type { HeaderList } from './exchange.js';

export const JSON_CONTENT: HeaderList = [['content-type', 'application/json']];

export function errorBody({ message, type, param, status }: RouterError): string {
  return JSON.stringify({ error: { message, type, param, code: status } });
}
