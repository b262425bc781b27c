// Body of /v1/responses -> the chat that vLLM makes of instructions and input.
import type { ChatRequest, CompletionRequest } from '../inference-request.js';
import { isObject, type Json, type JsonObject } from '../json.js';
import { isSet, parseCommonFields } from './common-fields.js';
import {
  chatTools,
  convertedChat,
  jsonObject,
  listOf,
  UnknownForm,
  unknownPrompt,
} from './converted-chat.js';
import { wrongType } from './request-fields.js';
import { chatMessagesOf, isUnfinished } from './response-items.js';

/** With these the conversation goes on from what the engine, or the client's earlier answer, holds. */
const CONTINUATIONS = [
  'previous_response_id',
  'previous_response',
  'previous_input_messages',
  'prompt',
] as const;

export function parseResponsesRequest(body: JsonObject): ChatRequest | CompletionRequest {
  const input = body.get('input') ?? null;
  if (CONTINUATIONS.some((field) => isSet(body, field))) {
    return unknownPrompt(parseCommonFields(body));
  }
  if (typeof input !== 'string' && !Array.isArray(input)) {
    throw wrongType('input', 'a string or an array of items', body.get('input'));
  }
  return convertedChat(body, () => convert(body, input));
}

function convert(body: JsonObject, input: Json): JsonObject {
  const instructions = body.get('instructions') || null;
  const system =
    instructions === null ? [] : [jsonObject({ role: 'system', content: instructions })];
  const isText = typeof input === 'string';
  const said = isText
    ? [jsonObject({ role: 'user', content: input })]
    : chatMessagesOf(listOf(input));
  const goesOn = !isText && isUnfinished(listOf(input).at(-1));
  return jsonObject({
    messages: [...system, ...said],
    max_tokens: body.get('max_output_tokens'),
    truncate_prompt_tokens: body.get('truncation') === 'auto' ? -1 : undefined,
    tools: convertTools(body.get('tools') ?? null),
    tool_choice: body.get('tool_choice') === 'none' ? 'none' : undefined,
    continue_final_message: goesOn,
    add_generation_prompt: !goesOn,
    chat_template_kwargs: templateKwargs(body),
  });
}

/** Effort goes to the template under its own name only: unlike in chats nothing follows from it. */
function templateKwargs(body: JsonObject): Json {
  const given = body.get('chat_template_kwargs') ?? null;
  const kwargs = new Map<string, Json>(isObject(given) ? given : []);
  const reasoning = body.get('reasoning');
  const effort = isObject(reasoning) ? (reasoning.get('effort') ?? null) : null;
  if (effort !== null) kwargs.set('reasoning_effort', effort);
  return kwargs;
}

/** Tools that run elsewhere (web search and the like) do not reach the template. */
function convertTools(tools: Json): Json | undefined {
  if (tools === null) return undefined;
  const functions = listOf(tools).flatMap((tool) => {
    if (!isObject(tool) || tool.get('type') === 'namespace') throw new UnknownForm();
    if (tool.get('type') !== 'function') return [];
    return [new Map([...tool].filter(([key]) => key !== 'type'))];
  });
  return chatTools(functions);
}
