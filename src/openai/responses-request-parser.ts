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
  if (goesOn(body)) return unknownPrompt(parseCommonFields(body));
  requiredInput(body);
  return convertedChat(body, () => chatOfResponse(body));
}

/** Throws UnknownForm, or RouterError without input. */
export function chatOfResponse(body: JsonObject): JsonObject {
  if (goesOn(body)) throw new UnknownForm();
  return convert(body, requiredInput(body));
}

function goesOn(body: JsonObject): boolean {
  return CONTINUATIONS.some((field) => isSet(body, field));
}

function requiredInput(body: JsonObject): Json {
  const input = body.get('input') ?? null;
  if (typeof input === 'string' || Array.isArray(input)) return input;
  throw wrongType('input', 'a string or an array of items', body.get('input'));
}

function convert(body: JsonObject, input: Json): JsonObject {
  const instructions = body.get('instructions') || null;
  const system =
    instructions === null ? [] : [jsonObject({ role: 'system', content: instructions })];
  const isText = typeof input === 'string';
  const said = isText
    ? [jsonObject({ role: 'user', content: input })]
    : chatMessagesOf(listOf(input));
  const isOpenEnded = !isText && isUnfinished(listOf(input).at(-1));
  return jsonObject({
    messages: [...system, ...said],
    max_tokens: body.get('max_output_tokens'),
    truncate_prompt_tokens: body.get('truncation') === 'auto' ? -1 : undefined,
    tools: convertTools(body.get('tools') ?? null),
    tool_choice: body.get('tool_choice') === 'none' ? 'none' : undefined,
    continue_final_message: isOpenEnded,
    add_generation_prompt: !isOpenEnded,
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
