// OpenAI's own SDK. Its majors share the calls used here, so one reading of it serves them all.
import type OpenAI from 'openai';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat';
import {
  type Ask,
  installed,
  type Sdk,
  type SdkClient,
  type SdkOptions,
  type Told,
  type ToolOffer,
} from './sdk-client.js';

type OpenAiClass = typeof OpenAI;

/** `major` is the class of one of them, installed as `folder`. */
export function openAiSdk(folder: string, major: OpenAiClass): Sdk {
  return { name: installed(folder), connect: (options) => connect(major, options) };
}

function connect(major: OpenAiClass, options: SdkOptions): SdkClient {
  const { baseUrl, apiKey = 'none', headers = {}, retries = 0, fetch: ownFetch = null } = options;
  const client = new major({
    baseURL: baseUrl,
    apiKey,
    defaultHeaders: headers,
    maxRetries: retries,
    ...(ownFetch === null ? {} : { fetch: ownFetch }),
  });
  return {
    async chat(ask) {
      const { signal } = ask;
      const answer = await client.chat.completions.create(chatBody(ask), signal ? { signal } : {});
      const [choice] = answer.choices;
      return {
        text: choice?.message.content ?? '',
        finish: choice?.finish_reason ?? '',
        usage: usageOf(answer.usage),
        toolCalls: (choice?.message.tool_calls ?? []).flatMap((call) =>
          call.type === 'function'
            ? [{ name: call.function.name, input: JSON.parse(call.function.arguments) }]
            : [],
        ),
      };
    },

    async streamChat(ask, onText) {
      const { signal, wantsUsage = false } = ask;
      const stream = await client.chat.completions.create(
        {
          ...chatBody(ask),
          stream: true,
          ...(wantsUsage ? { stream_options: { include_usage: true } } : {}),
        },
        signal ? { signal } : {},
      );
      let told: Told = { text: '', finish: '', usage: null, toolCalls: [] };
      const calls: { name: string; input: string }[] = [];
      for await (const { choices, usage } of stream) {
        if (usage) told = { ...told, usage: usageOf(usage) };
        const [choice] = choices;
        if (choice === undefined) continue;
        const piece = choice.delta.content ?? '';
        for (const { index, function: called } of choice.delta.tool_calls ?? []) {
          const { name, input } = calls[index] ?? { name: '', input: '' };
          calls[index] = {
            name: name + (called?.name ?? ''),
            input: input + (called?.arguments ?? ''),
          };
        }
        told = { ...told, text: told.text + piece, finish: choice.finish_reason ?? told.finish };
        if (piece !== '') onText(piece);
      }
      const toolCalls = calls.map(({ name, input }) => ({ name, input: JSON.parse(input) }));
      return { ...told, toolCalls };
    },

    async complete(ask) {
      const answer = await client.completions.create(completionBody(ask));
      return answer.choices[0]?.text ?? '';
    },

    async streamComplete(ask) {
      const stream = await client.completions.create({ ...completionBody(ask), stream: true });
      let text = '';
      for await (const { choices } of stream) text += choices[0]?.text ?? '';
      return text;
    },

    async embed(model, texts) {
      const { data } = await client.embeddings.create({ model, input: [...texts] });
      return data.map(({ embedding }) => embedding);
    },

    models: async () => {
      const ids: string[] = [];
      for await (const { id } of client.models.list()) ids.push(id);
      return ids;
    },

    failure(thrown) {
      if (!(thrown instanceof major.APIError)) throw thrown;
      return { status: thrown.status, message: thrown.message };
    },
  };
}

function chatBody({ model, prompt, earlier = [], maxTokens, tools }: Ask) {
  const messages: ChatCompletionMessageParam[] = [
    ...earlier.flatMap(([user, assistant]): ChatCompletionMessageParam[] => [
      { role: 'user', content: user },
      { role: 'assistant', content: assistant },
    ]),
    { role: 'user', content: prompt },
  ];
  const offered = tools === undefined ? {} : { tools: tools.map(toolOf) };
  return { model, messages, max_tokens: maxTokens, ...offered };
}

function toolOf({ name, description, properties }: ToolOffer): ChatCompletionTool {
  const parameters = { type: 'object', properties, required: Object.keys(properties) };
  return { type: 'function', function: { name, description, parameters } };
}

const completionBody = ({ model, prompt, maxTokens }: Ask) => ({
  ...{ model, prompt, max_tokens: maxTokens },
});

function usageOf(usage: OpenAI.CompletionUsage | undefined): Told['usage'] {
  if (usage === undefined) return null;
  return { prompt: usage.prompt_tokens, completion: usage.completion_tokens };
}
