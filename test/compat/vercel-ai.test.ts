import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  embedMany,
  generateText,
  jsonSchema,
  type LanguageModelUsage,
  RetryError,
  streamText,
  type ToolSet,
  tool,
} from 'ai';
import { type Ask, installed, type SdkClient, type SdkOptions, type Told } from './sdk-client.js';
import { everyFactHolds } from './sdk-facts.js';

everyFactHolds({ name: `${installed('ai')}, ${installed('@ai-sdk/openai-compatible')}`, connect });

function connect(options: SdkOptions): SdkClient {
  const { baseUrl, apiKey = 'none', headers = {}, retries = 0, fetch: ownFetch = null } = options;
  const provider = (includeUsage: boolean) =>
    createOpenAICompatible({
      ...{ name: 'warmpath', baseURL: baseUrl, apiKey, headers, includeUsage },
      ...(ownFetch === null ? {} : { fetch: ownFetch }),
    });
  const call = ({ model, maxTokens, signal, ...ask }: Ask) => ({
    model: provider(ask.wantsUsage ?? false).chatModel(model),
    messages: [
      ...(ask.earlier ?? []).flatMap(([user, assistant]) => [
        { role: 'user' as const, content: user },
        { role: 'assistant' as const, content: assistant },
      ]),
      { role: 'user' as const, content: ask.prompt },
    ],
    ...{ maxOutputTokens: maxTokens, maxRetries: retries, tools: toolsOf(ask.tools ?? []) },
    ...(signal === undefined ? {} : { abortSignal: signal }),
  });
  const completion = ({ model, prompt, maxTokens }: Ask) => ({
    model: provider(false).completionModel(model),
    ...{ prompt, maxOutputTokens: maxTokens, maxRetries: retries },
  });
  return {
    async chat(ask) {
      const { text, finishReason: finish, usage, toolCalls } = await generateText(call(ask));
      return { text, finish, usage: usageOf(usage), toolCalls: toolCalls.map(asked) };
    },

    async streamChat(ask, onText) {
      const result = streamText({ ...call(ask), onError: () => {} });
      let text = '';
      // `textStream` would end a failed answer like a whole one.
      for await (const part of result.fullStream) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'abort') throw new DOMException('aborted', 'AbortError');
        if (part.type !== 'text-delta') continue;
        text += part.text;
        onText(part.text);
      }
      const [finish, usage, toolCalls] = await Promise.all([
        result.finishReason,
        result.usage,
        result.toolCalls,
      ]);
      return { text, finish, usage: usageOf(usage), toolCalls: toolCalls.map(asked) };
    },

    complete: async (ask) => (await generateText(completion(ask))).text,
    streamComplete: async (ask) => await streamText(completion(ask)).text,

    async embed(model, texts) {
      const { embeddings } = await embedMany({
        model: provider(false).embeddingModel(model),
        values: [...texts],
        maxRetries: retries,
      });
      return embeddings;
    },

    models: null,

    failure(thrown) {
      const error = RetryError.isInstance(thrown) ? thrown.lastError : thrown;
      if (!APICallError.isInstance(error)) throw thrown;
      return { status: error.statusCode, message: error.message };
    },
  };
}

/** Tools without a way to run them: the call itself is the answer. */
function toolsOf(offers: NonNullable<Ask['tools']>): ToolSet {
  return Object.fromEntries(
    offers.map(({ name, description, properties }) => {
      const required = Object.keys(properties);
      const inputSchema = jsonSchema({ type: 'object', properties, required });
      // Its type has no room for exactOptionalPropertyTypes.
      return [name, tool({ description, inputSchema }) as ToolSet[string]];
    }),
  );
}

const asked = ({ toolName, input }: { toolName: string; input: unknown }) => ({
  ...{ name: toolName, input },
});

function usageOf({ inputTokens, outputTokens }: LanguageModelUsage): Told['usage'] {
  if (inputTokens === undefined || outputTokens === undefined) return null;
  return { prompt: inputTokens, completion: outputTokens };
}
