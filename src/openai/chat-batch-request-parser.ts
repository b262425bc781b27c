// Body of /v1/chat/completions/batch -> ChatBatchRequest: a chat body with a list of conversations.
import type { ChatBatchRequest } from '../inference-request.js';
import type { JsonObject } from '../json.js';
import { parseChatRequest } from './chat-request-parser.js';
import { invalidField, optionalArray } from './request-fields.js';

export function parseChatBatchRequest(body: JsonObject): ChatBatchRequest {
  const conversations = optionalArray(body, 'messages');
  if (conversations === null) throw invalidField('messages', 'is required');
  const chats = conversations.map((messages) =>
    parseChatRequest(new Map(body).set('messages', messages)),
  );
  const [first] = chats;
  if (first === undefined) throw invalidField('messages', 'must hold at least one conversation');
  const { model, stream, addSpecialTokens, cacheSalt, maxTokens, priority } = first;
  const { truncatePromptTokens, truncationSide, skipsCacheRead } = first;
  return {
    kind: 'chat-batch',
    ...{ model, stream, addSpecialTokens, cacheSalt, maxTokens, priority },
    ...{ truncatePromptTokens, truncationSide, skipsCacheRead },
    chats,
  };
}
