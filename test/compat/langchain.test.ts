import { AIMessage, type AIMessageChunk, HumanMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { type Ask, installed, type SdkClient, type SdkOptions, type Told } from './sdk-client.js';
import { everyFactHolds } from './sdk-facts.js';

everyFactHolds({ name: installed('@langchain/openai'), connect });

function connect(options: SdkOptions): SdkClient {
  const { baseUrl, apiKey = 'none', headers = {}, retries = 0, fetch: ownFetch = null } = options;
  const shared = {
    apiKey,
    maxRetries: retries,
    configuration: {
      ...{ baseURL: baseUrl, defaultHeaders: headers },
      ...(ownFetch === null ? {} : { fetch: ownFetch }),
    },
  };
  const chatModel = ({ model, maxTokens, wantsUsage = false, tools }: Ask) => {
    const chat = new ChatOpenAI({ ...shared, model, maxTokens, streamUsage: wantsUsage });
    return tools === undefined ? chat : chat.bindTools(tools.map(toolOf));
  };
  const llm = ({ model, maxTokens }: Ask) => new OpenAI({ ...shared, model, maxTokens });
  const call = ({ signal }: Ask) => (signal === undefined ? {} : { signal });
  return {
    chat: async (ask) => told(await chatModel(ask).invoke(messagesOf(ask), call(ask))),

    async streamChat(ask, onText) {
      let whole: AIMessageChunk | null = null;
      for await (const chunk of await chatModel(ask).stream(messagesOf(ask), call(ask))) {
        whole = whole === null ? chunk : whole.concat(chunk);
        if (chunk.text !== '') onText(chunk.text);
      }
      if (whole === null) throw new Error('a stream without a chunk');
      return told(whole);
    },

    complete: (ask) => llm(ask).invoke(ask.prompt),

    async streamComplete(ask) {
      let text = '';
      for await (const piece of await llm(ask).stream(ask.prompt)) text += piece;
      return text;
    },

    embed: (model, texts) => new OpenAIEmbeddings({ ...shared, model }).embedDocuments([...texts]),

    models: null,

    failure(thrown) {
      if (!(thrown instanceof Error) || !('status' in thrown)) throw thrown;
      return { status: Number(thrown.status), message: thrown.message };
    },
  };
}

function messagesOf({ earlier = [], prompt }: Ask): (HumanMessage | AIMessage)[] {
  return [
    ...earlier.flatMap(([user, assistant]) => [new HumanMessage(user), new AIMessage(assistant)]),
    new HumanMessage(prompt),
  ];
}

function toolOf({ name, description, properties }: NonNullable<Ask['tools']>[number]) {
  const parameters = { type: 'object', properties, required: Object.keys(properties) };
  return { type: 'function' as const, function: { name, description, parameters } };
}

function told(message: AIMessage | AIMessageChunk): Told {
  // Its types do not say that the counts are there once streamUsage asked for them.
  const usage = message.usage_metadata as
    | { input_tokens: number; output_tokens: number }
    | undefined;
  return {
    text: message.text,
    finish: String(message.response_metadata['finish_reason'] ?? ''),
    usage:
      usage === undefined ? null : { prompt: usage.input_tokens, completion: usage.output_tokens },
    toolCalls: (message.tool_calls ?? []).map(({ name, args }) => ({ name, input: args })),
  };
}
