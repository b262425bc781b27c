// A PromptEncoder without a model: a token is a byte of the text, so tests count tokens by eye.
import type { PromptEncoder } from '../../src/sim/prompt-encoder.js';

/** Special tokens stay clear of bytes. */
const BOS = 256;
const EOS = 257;

export const byteEncoder: PromptEncoder = {
  eosTokenId: EOS,
  encode: async (text, addSpecialTokens) =>
    Uint32Array.from([...(addSpecialTokens ? [BOS] : []), ...Buffer.from(text)]),
  decode: async (ids) => Buffer.from(ids.filter((id) => id < BOS)).toString(),
  renderChat: async ({ messages, addGenerationPrompt }) =>
    messages.map(({ role, content }) => `<${role}>${String(content)}\n`).join('') +
    (addGenerationPrompt ? '<assistant>' : ''),
};
