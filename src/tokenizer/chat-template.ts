// One chat template: conversation and variables -> prompt text, as transformers'
// apply_chat_template renders it for vLLM.
import { RouterError } from '../errors.js';
import type { Json } from '../inference-request.js';
import { isArray, isObject } from '../json.js';
import type { ContentFormat } from './content-format.js';
import { mergeDeveloperMessages, type TemplateMessage } from './conversation.js';
import { strip, stripEnd } from './jinja/python-text.js';
import { TemplateError } from './jinja/template-error.js';
import { compile, type RenderableTemplate } from './template-engine.js';

/** transformers appends this text to the final message and cuts the prompt at it. */
const CONTINUE_TAG = 'CONTINUE_FINAL_MESSAGE_TAG ';

export class ChatTemplate {
  readonly contentFormat: ContentFormat;
  private readonly compiled: RenderableTemplate;
  private readonly knowsDeveloper: boolean;

  /** Throws TemplateError when the source does not parse. */
  constructor(source: string) {
    this.compiled = compile(source);
    this.contentFormat = this.compiled.contentFormat;
    this.knowsDeveloper = source.includes('"developer"') || source.includes("'developer'");
  }

  /** Throws RouterError `invalid_request` with the template's own message. */
  render(messages: readonly TemplateMessage[], variables: ReadonlyMap<string, Json>): string {
    return this.renderParts(messages, variables).join('');
  }

  /** The same in parts to be joined. */
  renderParts(
    messages: readonly TemplateMessage[],
    variables: ReadonlyMap<string, Json>,
  ): readonly string[] {
    const hasDeveloper = messages.some((message) => message.get('role') === 'developer');
    const conversation =
      hasDeveloper && !this.knowsDeveloper ? mergeDeveloperMessages(messages) : [...messages];
    try {
      return this.compiled.renderParts(new Map([...variables, ['messages', conversation]]));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw templateFailure(error.message, error);
    }
  }

  /** The prompt ends inside the last message, for the model to go on with it. */
  renderOpenEnded(
    messages: readonly TemplateMessage[],
    variables: ReadonlyMap<string, Json>,
  ): string {
    const last = messages.at(-1);
    if (last === undefined) throw templateFailure('there is no final message to continue');
    const [text, tagged] = tagFinalContent(last.get('content') ?? null);
    const conversation = [...messages.slice(0, -1), new Map(last).set('content', tagged)];
    return cutAtTag(this.render(conversation, variables), text);
  }
}

/** Text that is continued, and the content with the tag behind it. */
function tagFinalContent(content: Json): [string, Json] {
  if (typeof content === 'string') return [content, content + CONTINUE_TAG];
  const parts = isArray(content) ? [...content] : [];
  for (let i = parts.length - 1; i >= 0; i--) {
    const part = parts[i];
    const text = isObject(part) ? part.get('text') : undefined;
    if (!isObject(part) || typeof text !== 'string') continue;
    parts[i] = new Map(part).set('text', text + CONTINUE_TAG);
    return [text, parts];
  }
  throw templateFailure(
    'continue_final_message is set but we could not find any text to continue in the final message!',
  );
}

function cutAtTag(prompt: string, text: string): string {
  const tag = prompt.lastIndexOf(CONTINUE_TAG.trimEnd());
  if (tag < 0 || !prompt.includes(strip(text))) {
    throw templateFailure(
      'continue_final_message is set but the final message does not appear in the chat after ' +
        'applying the chat template! This can happen if the chat template deletes portions of ' +
        'the final message.',
    );
  }
  const before = prompt.slice(0, tag);
  // Without its trailing space the template has trimmed the message, so its own space goes too.
  return prompt.startsWith(CONTINUE_TAG, tag) ? before : stripEnd(before);
}

export function templateFailure(message: string, cause?: unknown): RouterError {
  return new RouterError('invalid_request', message, { param: 'messages', cause });
}
