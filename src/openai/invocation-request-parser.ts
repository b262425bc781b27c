// Body of /invocations, SageMaker's one route for everything: vLLM takes it for the first of its requests
// that it can be.
import { RouterError } from '../errors.js';
import type { InferenceRequest } from '../inference-request.js';
import type { JsonObject } from '../json.js';
import { parseChatRequest } from './chat-request-parser.js';
import { isSet, parseCommonFields } from './common-fields.js';
import { parseCompletionRequest } from './completion-request-parser.js';
import { unknownPrompt } from './converted-chat.js';

/** What it is no chat and no completion for, the engine may know: an embedding, a score, a reranking. */
export function parseInvocation(body: JsonObject): InferenceRequest {
  const common = parseCommonFields(body);
  try {
    const shape = invokedShape(body);
    if (shape === 'chat') return parseChatRequest(body);
    if (shape === 'completions') return parseCompletionRequest(body);
  } catch (error) {
    if (!(error instanceof RouterError && error.code === 'invalid_request')) throw error;
  }
  return unknownPrompt(common);
}

/** null: neither. */
export function invokedShape(body: JsonObject): 'chat' | 'completions' | null {
  if (isSet(body, 'messages')) return 'chat';
  return isSet(body, 'prompt') || isSet(body, 'prompt_embeds') ? 'completions' : null;
}
