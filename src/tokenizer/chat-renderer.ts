// Chat request -> prompt text, with vLLM's choice of template and of variables.
import { RouterError } from '../errors.js';
import type { ChatMessage, ChatRequest, InferenceRequest, Json } from '../inference-request.js';
import { isArray, type JsonObject } from '../json.js';
import type { ChatSettings } from './chat-settings.js';
import { ChatTemplate } from './chat-template.js';
import { toTemplateMessages } from './conversation.js';
import { TemplateLimitError } from './jinja/template-budget.js';
import { TemplateError } from './jinja/template-error.js';
import { GLOBALS } from './jinja/template-globals.js';
import { mediaVariants } from './media-variants.js';
import type { TokenizerFolder } from './tokenizer-folder.js';

/** Models that vLLM renders without the folder's template. */
const OWN_RENDERER: ReadonlySet<string> = new Set(['gpt_oss', 'deepseek_v32', 'deepseek_v4']);

/** Parameters of transformers' apply_chat_template: it takes these keyword arguments itself, so the
 * template does not see them. */
const APPLY_PARAMETERS: ReadonlySet<string> = new Set([
  'conversation',
  'padding',
  'truncation',
  'max_length',
  'return_tensors',
  'return_dict',
  'return_assistant_tokens_mask',
  'tokenizer_kwargs',
]);

/** Templates that requests bring along, compiled; more than an application has. */
const MAX_REQUEST_TEMPLATES = 16;

/** A prompt in parts to be joined: joining a long one costs more than the rest of its match. */
export type PromptText = readonly string[];
export type RenderedChat = readonly [PromptText] | readonly [PromptText, PromptText];

export class ChatRenderer {
  private readonly templates = new Map<string, ChatTemplate>();
  private readonly requestTemplates = new Map<string, ChatTemplate>();
  private readonly specialTokens: JsonObject;
  private readonly hasOwnRenderer: boolean;

  /** Why chats of this model, or some, are routed without a look at their prompts. */
  readonly problems: readonly string[];

  constructor(folder: TokenizerFolder) {
    this.specialTokens = folder.specialTokens;
    this.hasOwnRenderer = folder.modelType !== null && OWN_RENDERER.has(folder.modelType);
    const problems: string[] = [];
    if (this.hasOwnRenderer) {
      problems.push(`vLLM renders chats of model type ${folder.modelType} without a template`);
    } else if (folder.chatTemplates.size === 0) {
      problems.push(`${folder.path} has no chat template`);
    }
    for (const [name, source] of folder.chatTemplates) {
      const problem = this.add(name, source);
      if (problem !== null) problems.push(`chat template "${name}" of ${folder.path}: ${problem}`);
    }
    this.problems = problems;
  }

  private add(name: string, source: string): string | null {
    try {
      this.templates.set(name, new ChatTemplate(source));
      return null;
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      return error.message;
    }
  }

  /** One prompt, or two whose common beginning is the certain part of it; null
   * when only the engine can render the request. Throws RouterError `invalid_request`. */
  render(request: ChatRequest, settings: ChatSettings): RenderedChat | null {
    try {
      return this.renderAll(request, settings);
    } catch (error) {
      if (error instanceof TemplateLimitError) return null;
      throw error;
    }
  }

  private renderAll(request: ChatRequest, settings: ChatSettings): RenderedChat | null {
    const variables = this.variables(request, settings);
    const template = this.choose(request, settings, isArray(variables.get('tools')));
    if (template === null) return null;
    const format = settings.contentFormat ?? template.contentFormat;
    const renderOne = (messages: readonly ChatMessage[]): PromptText => {
      const conversation = toTemplateMessages(messages, format);
      return request.continueFinalMessage
        ? [template.renderOpenEnded(conversation, variables)]
        : template.renderParts(conversation, variables);
    };
    if (!request.hasMedia) return [renderOne(request.messages)];
    const [first, second] = mediaVariants(request.messages, format);
    return [renderOne(first), renderOne(second)];
  }

  private choose(
    request: ChatRequest,
    settings: ChatSettings,
    hasTools: boolean,
  ): ChatTemplate | null {
    const own = request.chatTemplate;
    checkTemplate(request, settings);
    const override = own ?? settings.chatTemplate;
    if (override !== null) return this.requestTemplate(override);
    if (this.hasOwnRenderer) return null;
    const named = hasTools ? this.templates.get('tool_use') : undefined;
    return named ?? this.templates.get('default') ?? null;
  }

  private requestTemplate(source: string): ChatTemplate {
    const known = this.requestTemplates.get(source);
    if (known !== undefined) return known;
    const [oldest] = this.requestTemplates.keys();
    if (this.requestTemplates.size >= MAX_REQUEST_TEMPLATES && oldest !== undefined) {
      this.requestTemplates.delete(oldest);
    }
    try {
      const template = new ChatTemplate(source);
      this.requestTemplates.set(source, template);
      return template;
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new RouterError('invalid_request', `chat_template: ${error.message}`, {
        param: 'chat_template',
        cause: error,
      });
    }
  }

  /** Server defaults, then the request's keyword arguments, then its own fields. */
  private variables(request: ChatRequest, settings: ChatSettings): Map<string, Json> {
    const isExcluded = request.toolChoiceNone && settings.excludesToolsWhenChoiceNone;
    const variables = new Map<string, Json>([
      ...this.specialTokens,
      ['tools', isExcluded ? null : request.tools],
      ['documents', null],
      ...givenValues(settings.defaultKwargs),
      ...givenValues(request.chatTemplateKwargs),
      ['add_generation_prompt', request.addGenerationPrompt],
    ]);
    if (request.documents !== null) variables.set('documents', request.documents);
    const effort = request.reasoningEffort;
    if (effort !== null && effort !== 'auto') variables.set('reasoning_effort', effort);
    if (effort !== null && !request.chatTemplateKwargs.has('enable_thinking')) {
      variables.set('enable_thinking', effort !== 'none');
    }
    return variables;
  }
}

/** Null and "auto" mean unset to vLLM; names of Jinja's globals never reach the template. */
function* givenValues(kwargs: JsonObject): Generator<[string, Json]> {
  for (const [name, value] of kwargs) {
    const isUnset = value === null || value === 'auto';
    if (!isUnset && !APPLY_PARAMETERS.has(name) && !GLOBALS.has(name)) yield [name, value];
  }
}

/** Throws RouterError `invalid_request` for a template of the request's own where the engines trust none:
 * whoever writes one decides what the model is told. */
export function checkTemplate(
  request: InferenceRequest,
  { trustsRequestTemplate }: Pick<ChatSettings, 'trustsRequestTemplate'>,
): void {
  if (trustsRequestTemplate || !bringsTemplate(request)) return;
  throw new RouterError(
    'invalid_request',
    'Chat template is passed with request, but --trust-request-chat-template is not set. ' +
      'Refused request with untrusted chat template.',
    { param: 'chat_template' },
  );
}

/** Whether the request carries a chat template of its own. */
export function bringsTemplate(request: InferenceRequest): boolean {
  switch (request.kind) {
    case 'chat':
      return request.chatTemplate !== null;
    case 'chat-batch':
      return request.chats.some((chat) => chat.chatTemplate !== null);
    case 'completion':
      return false;
  }
}
