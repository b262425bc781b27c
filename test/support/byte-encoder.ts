// A PromptEncoder without a model: a token is a byte of the text, so tests count tokens by eye.
import type { ChatRequest } from '../../src/inference-request.js';
import type { PromptEncoder } from '../../src/sim/prompt-encoder.js';

/** Special tokens stay clear of bytes. */
const BOS = 256;
const EOS = 257;

export const byteEncoder: PromptEncoder = {
  eosTokenId: EOS,
  encode: async (text) => Uint32Array.from(Buffer.from(text)),
  decode: async (ids) => Buffer.from(ids.filter((id) => id < BOS)).toString(),
  encodePrompts: async (request) => {
    const special = request.addSpecialTokens ? [BOS] : [];
    const encode = (text: string) => Uint32Array.from([...special, ...Buffer.from(text)]);
    const prompts = request.kind === 'chat' ? [rendered(request)] : request.prompts;
    return prompts.map((prompt) => (typeof prompt === 'string' ? encode(prompt) : prompt));
  },
};

function rendered({ messages, addGenerationPrompt }: ChatRequest): string {
  const lines = messages.map(({ role, content }) => `<${role}>${String(content)}\n`);
  return lines.join('') + (addGenerationPrompt ? '<assistant>' : '');
}
