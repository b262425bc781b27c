// Body of /cohere/v2/chat -> the chat that vLLM converts it to, for models without Cohere's own
// renderer.
import type { ChatRequest, CompletionRequest } from '../inference-request.js';
import { isArray, isObject, type Json, type JsonObject } from '../json.js';
import {
  chatTools,
  convertedChat,
  jsonObject,
  listOf,
  requiredMessages,
  textOf,
  UnknownForm,
} from './converted-chat.js';

export function parseCohereRequest(body: JsonObject): ChatRequest | CompletionRequest {
  requiredMessages(body);
  return convertedChat(body, () => chatOfCohere(body));
}

/** Throws UnknownForm, or RouterError without messages. */
export function chatOfCohere(body: JsonObject): JsonObject {
  return jsonObject({
    messages: requiredMessages(body).map(convertMessage),
    max_tokens: body.get('max_tokens'),
    tools: convertTools(body),
    tool_choice: body.get('tool_choice') === 'NONE' ? 'none' : undefined,
    chat_template_kwargs: templateKwargs(body),
    kv_transfer_params: body.get('kv_transfer_params'),
  });
}

function convertMessage(message: Json): JsonObject {
  if (!isObject(message)) throw new UnknownForm();
  const role = message.get('role');
  const content = message.get('content') ?? null;
  switch (role) {
    case 'system':
      return jsonObject({ role, content: texts(content, 'text').join('') });
    case 'user':
      return jsonObject({ role, content: userContent(content) });
    case 'assistant':
      return assistantMessage(message, content);
    case 'tool':
      return jsonObject({
        role,
        tool_call_id: message.get('tool_call_id'),
        content: toolContent(content),
      });
    default:
      throw new UnknownForm();
  }
}

function userContent(content: Json): Json {
  if (typeof content === 'string') return content;
  const parts = listOf(content);
  const [first] = parts;
  const isOneText = parts.length === 1 && isObject(first) && first.get('type') === 'text';
  return isOneText ? textOf(first.get('text')) : parts;
}

function assistantMessage(message: JsonObject, content: Json): JsonObject {
  const plan = message.get('tool_plan') || null;
  const thoughts = [...texts(content, 'thinking'), ...(plan === null ? [] : [textOf(plan)])];
  const said = texts(content, 'text');
  const calls = listOf(message.get('tool_calls') || []);
  return jsonObject({
    role: 'assistant',
    content: said.length === 0 ? undefined : said.join(''),
    reasoning: thoughts.length === 0 ? undefined : thoughts.join(''),
    tool_calls: calls.length === 0 ? undefined : calls,
  });
}

/** A list of text parts becomes one text; documents stay a list. */
function toolContent(content: Json): Json {
  if (typeof content === 'string') return content;
  const parts = listOf(content);
  const hasDocument = parts.some((part) => isObject(part) && part.get('type') === 'document');
  return hasDocument ? parts : texts(content, 'text').join('\n');
}

/** Texts of the parts of one type; a plain string is one text part. */
function texts(content: Json, type: 'text' | 'thinking'): string[] {
  if (content === null) return [];
  if (typeof content === 'string') return type === 'text' ? [content] : [];
  return listOf(content).flatMap((part) => {
    if (!isObject(part)) throw new UnknownForm();
    return part.get('type') === type ? [textOf(part.get(type))] : [];
  });
}

function convertTools(body: JsonObject): Json | undefined {
  const tools = body.get('tools') || null;
  if (tools === null) return undefined;
  const isStrict = body.get('strict_tools') === true;
  const functions = listOf(tools).map((tool) => {
    const declared = isObject(tool) ? tool.get('function') : null;
    if (!isObject(declared)) throw new UnknownForm();
    return jsonObject({
      name: declared.get('name'),
      description: declared.get('description'),
      parameters: declared.get('parameters'),
      strict: isStrict ? true : undefined,
    });
  });
  return chatTools(functions);
}

/** Fields of the API that a template may ask for; the request's own arguments go before them. */
function templateKwargs(body: JsonObject): Json {
  const given = body.get('chat_template_kwargs') ?? null;
  const kwargs = new Map<string, Json>(isObject(given) ? given : []);
  const offer = (name: string, value: Json | undefined) => {
    if (value !== undefined && value !== null && !kwargs.has(name)) kwargs.set(name, value);
  };
  const documents = body.get('documents');
  if (isArray(documents) && documents.length > 0) offer('documents', documents.map(document));
  const safety = body.get('safety_mode');
  if (typeof safety === 'string') offer('safety_mode', safety.toLowerCase());
  offer('citation_options', givenMembers(body.get('citation_options')));
  offer('thinking', givenMembers(body.get('thinking')));
  return kwargs;
}

function document(value: Json, position: number): Json {
  const id = `doc_${position}`;
  if (!isObject(value)) return jsonObject({ id, data: jsonObject({ text: value }) });
  const data = value.get('data') ?? null;
  return jsonObject({
    id: value.get('id') || id,
    data: isObject(data) ? data : jsonObject({ text: data }),
  });
}

function givenMembers(value: Json | undefined): Json | undefined {
  if (!isObject(value)) return undefined;
  return new Map([...value].filter(([, member]) => member !== null));
}
