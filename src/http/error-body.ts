// An error as a client of vLLM's server reads it: as a body, or as the last event of a stream.
import type { RouterError } from '../errors.js';
import type { HeaderList } from './exchange.js';

export const JSON_CONTENT: HeaderList = [['content-type', 'application/json']];

/** The path whose clients expect Anthropic's form. */
const ANTHROPIC = '/v1/messages';

/** OpenAI's form. On Anthropic's path it has what that form adds, and so is both. */
export function errorBody({ message, type, param, status }: RouterError, path = ''): string {
  const error = { message, type, param, code: status };
  return JSON.stringify(isAnthropic(path) ? { type: 'error', error } : { error });
}

/** For a stream that has begun: its status is sent, so the failure travels as an event. */
export function errorEvent(error: RouterError, path = ''): string {
  return eventOf(errorBody(error, path), path);
}

/** An error body of one line as an event. */
export function eventOf(body: string, path: string): string {
  return `${isAnthropic(path) ? 'event: error\n' : ''}data: ${body}\n\n`;
}

function isAnthropic(path: string): boolean {
  return path === ANTHROPIC || path.startsWith(`${ANTHROPIC}/`) || path.startsWith(`${ANTHROPIC}?`);
}
