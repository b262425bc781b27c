// The `x-warmpath-*` headers of an answer: where it came from, and why.
import type { HeaderList } from '../http/exchange.js';
import type { DecisionRecord } from './decision-log.js';

/** `isMatched`: there was a prompt to match, and not just a request to pass on. */
export function decisionHeaders(record: DecisionRecord, isMatched: boolean): HeaderList {
  const endpoint: HeaderList = [['x-warmpath-endpoint', record.endpoint]];
  if (!isMatched) return [...endpoint, ['x-warmpath-trust', record.trust]];
  return [
    ...endpoint,
    ['x-warmpath-prompt-tokens', String(record.promptTokens)],
    ['x-warmpath-matched-tokens', String(record.matchedTokens)],
    ['x-warmpath-trust', record.trust],
    ['x-warmpath-decision-us', String(record.decisionUs)],
  ];
}
