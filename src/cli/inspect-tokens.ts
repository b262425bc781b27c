// `warmpath inspect tokens`: a request body with a tokenizer folder -> the prompt and its token ids,
// by the code that the router runs.
import { isObject, type Json, jsonTypeName, parseJson } from '../json.js';
import { invalidField, stringAt } from '../openai/request-fields.js';
import { parseRequestObject, shapeOf } from '../openai/request-parser.js';
import { chatSettings } from '../tokenizer/chat-settings.js';
import { hubFolder, isHubReference } from '../tokenizer/hub-folder.js';
import { TokenizerCache } from '../tokenizer/tokenizer-cache.js';

/** Lines name the same few folders again and again. */
const tokenizers = new TokenizerCache();

export interface InspectedTokens {
  /** One text, or one a prompt; null for a prompt given as token ids. */
  readonly text: string | null | readonly (string | null)[];
  readonly token_ids: readonly number[] | readonly (readonly number[])[];
  /** Present when media follow these tokens. */
  readonly open?: true;
}

/** `line`: a chat or completion body with `tokenizer`, as JSON text or as parsed by JSON.parse (which
 * does not tell 1.0 from 1). Rejects with RouterError or ConfigError. */
export async function inspectTokens(line: unknown): Promise<InspectedTokens> {
  const body: Json = parseJson(typeof line === 'string' ? line : JSON.stringify(line));
  if (!isObject(body)) throw invalidField('line', `must be an object, not ${jsonTypeName(body)}`);
  const named = stringAt(body.get('tokenizer'), 'tokenizer');
  const folder = isHubReference(named) ? await hubFolder(named) : named;
  const request = parseRequestObject(shapeOf(body), body);
  const tokenizer = await tokenizers.get(folder);
  const { texts, tokens, isOpen } = await tokenizer.encodePrompts(request, chatSettings(), null);
  const [problem] = tokenizer.problems;
  if (tokens.length === 0) throw invalidField('tokenizer', problem ?? 'cannot make this prompt');
  const ids = tokens.map((prompt) => [...prompt]);
  const [text, firstIds] = [texts[0] ?? null, ids[0] ?? []];
  const isOne = tokens.length === 1;
  return {
    text: isOne ? text : texts,
    token_ids: isOne ? firstIds : ids,
    ...(isOpen ? { open: true } : {}),
  };
}
