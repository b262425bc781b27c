// A PromptEncoder without a model: a token is a byte of the text, so tests count tokens by eye.
import type { ChatRequest, InferenceRequest } from '../../src/inference-request.js';
import type { PromptEncoder } from '../../src/sim/prompt-encoder.js';

/** Special tokens stay clear of bytes. */
const BOS = 256;
const EOS = 257;

export const byteEncoder: PromptEncoder = {
  eosTokenId: EOS,
  mediaPlaceholder: null,
  encode: async (text) => Uint32Array.from(Buffer.from(text)),
  decode: async (ids) => Buffer.from(ids.filter((id) => id < BOS)).toString(),
  encodePrompts: async (request) => {
    const special = request.addSpecialTokens ? [BOS] : [];
    const encode = (text: string) => Uint32Array.from([...special, ...Buffer.from(text)]);
    return promptsOf(request).map((prompt) =>
      typeof prompt === 'string' ? encode(prompt) : prompt,
    );
  },
};

function promptsOf(request: InferenceRequest): readonly (string | Uint32Array)[] {
  switch (request.kind) {
    case 'chat':
      return [rendered(request)];
    case 'chat-batch':
      return request.chats.map(rendered);
    case 'completion':
      return request.prompts;
  }
}

function rendered({ messages, addGenerationPrompt }: ChatRequest): string {
  const lines = messages.map(({ role, content }) => `<${role}>${String(content)}\n`);
  return lines.join('') + (addGenerationPrompt ? '<assistant>' : '');
}
