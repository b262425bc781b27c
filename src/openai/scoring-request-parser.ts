// Body of /generative_scoring -> CompletionRequest: how probable some tokens are behind a query and each
// of its items. The engine makes one prompt for each item; what decides where they go is what comes first
// in all of them, the query, or in each, its item. vLLM tokenizes the two parts each by itself.
import type { CompletionRequest } from '../inference-request.js';
import { isArray, type Json, type JsonObject } from '../json.js';
import { parseCommonFields } from './common-fields.js';
import { invalidField, optionalBoolean, wrongType } from './request-fields.js';
import { parseTokenIds } from './token-ids.js';

type Part = string | Uint32Array;

/** One token is sampled. */
const MAX_TOKENS = 1;

export function parseScoringRequest(body: JsonObject): CompletionRequest {
  const query = parsePart(body.get('query'), 'query');
  const items = parseItems(body.get('items'));
  const itemFirst = optionalBoolean(body, 'item_first') ?? false;
  return {
    kind: 'completion',
    ...parseCommonFields(body),
    prompts: itemFirst ? items.map((item) => joined(item, query)) : [beginning(query, items)],
    // Items never get any.
    addSpecialTokens: !itemFirst && (optionalBoolean(body, 'add_special_tokens') ?? true),
    maxTokens: MAX_TOKENS,
    // Longer prompts are cut at their end.
    truncatePromptTokens: -1,
    truncationSide: 'right',
    skipsCacheRead: false,
  };
}

/** The prompt of the first item, as far as it is certain: the others find the query cached by it. */
function beginning(query: Part, [first]: readonly Part[]): Part {
  return first === undefined ? query : joined(query, first);
}

/** What a text's tokens are behind other tokens is known only once it is tokenized. */
function joined(first: Part, second: Part): Part {
  if (typeof first === 'string' || typeof second === 'string') return first;
  const tokens = new Uint32Array(first.length + second.length);
  tokens.set(first);
  tokens.set(second, first.length);
  return tokens;
}

function parseItems(items: Json | undefined): readonly Part[] {
  if (!isArray(items)) throw wrongType('items', 'an array', items);
  if (items.length === 0) throw invalidField('items', 'must hold at least one item');
  return items.map((item, i) => parsePart(item, `items[${i}]`));
}

function parsePart(part: Json | undefined, path: string): Part {
  if (typeof part === 'string') return part;
  if (!isArray(part)) throw wrongType(path, 'a string or an array of token ids', part);
  return parseTokenIds(part, path);
}
