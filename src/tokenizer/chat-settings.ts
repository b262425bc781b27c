// The engines' chat template flags with vLLM's defaults filled in.
import { isObject, type JsonObject, parseJson } from '../json.js';
import type { ContentFormat } from './content-format.js';
import type { ChatFlags } from './match-task.js';

export interface ChatSettings {
  /** Replaces the folder's template; null: it does not. */
  readonly chatTemplate: string | null;
  /** null: found from the template. */
  readonly contentFormat: ContentFormat | null;
  readonly trustsRequestTemplate: boolean;
  readonly defaultKwargs: JsonObject;
  readonly excludesToolsWhenChoiceNone: boolean;
}

export function chatSettings(flags: ChatFlags = {}): ChatSettings {
  const format = flags.chatTemplateContentFormat ?? 'auto';
  const kwargs = parseJson(JSON.stringify(flags.defaultChatTemplateKwargs ?? {}));
  return {
    chatTemplate: flags.chatTemplate ?? null,
    contentFormat: format === 'auto' ? null : format,
    trustsRequestTemplate: flags.trustRequestChatTemplate ?? false,
    defaultKwargs: isObject(kwargs) ? kwargs : new Map(),
    excludesToolsWhenChoiceNone: flags.excludeToolsWhenToolChoiceNone ?? false,
  };
}
