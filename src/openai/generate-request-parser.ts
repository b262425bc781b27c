// Body of /inference/v1/generate -> CompletionRequest: token ids in, used verbatim.
import type { CompletionRequest } from '../inference-request.js';
import { isArray, isObject, type JsonObject } from '../json.js';
import { isSet, parseCommonFields, tokenLimit } from './common-fields.js';
import { invalidField, wrongType } from './request-fields.js';
import { parseTokenIds } from './token-ids.js';

export function parseGenerateRequest(body: JsonObject): CompletionRequest {
  const sampling = body.get('sampling_params');
  const params: JsonObject = isObject(sampling) ? sampling : new Map();
  return {
    kind: 'completion',
    ...parseCommonFields(body),
    // Media add their hashes to the blocks they lie in; the engine alone lays them out.
    prompts: isSet(body, 'features') ? [] : [parsePrompt(body)],
    addSpecialTokens: false,
    maxTokens: tokenLimit(params, 'max_tokens'),
    skipsCacheRead: isSet(params, 'prompt_logprobs'),
  };
}

function parsePrompt(body: JsonObject): Uint32Array {
  const ids = body.get('token_ids');
  if (!isArray(ids)) throw wrongType('token_ids', 'an array of token ids', ids);
  if (ids.length === 0) throw invalidField('token_ids', 'must hold at least one token id');
  return parseTokenIds(ids, 'token_ids');
}
