// Reads token usage out of a response that streams by, without parsing or keeping it.
//
// vLLM puts `usage` near the end, both in a JSON answer and in the last SSE chunk, so the last bytes
// are enough; a usage object further away than that is not seen, and counts as not reported.

const TAIL_BYTES = 1024;

export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number | null;
  /** Those of the answer. */
  readonly completionTokens: number | null;
}

export class UsageReader {
  readonly #tail = Buffer.alloc(TAIL_BYTES);
  #length = 0;

  push(chunk: Uint8Array): void {
    if (chunk.length >= TAIL_BYTES) {
      this.#tail.set(chunk.subarray(chunk.length - TAIL_BYTES));
      this.#length = TAIL_BYTES;
      return;
    }
    const kept = Math.min(this.#length, TAIL_BYTES - chunk.length);
    this.#tail.copyWithin(0, this.#length - kept, this.#length);
    this.#tail.set(chunk, kept);
    this.#length = kept + chunk.length;
  }

  /** Usage of the whole response; null when it reported none. */
  read(): Usage | null {
    const text = this.#tail.toString('latin1', 0, this.#length);
    const at = text.lastIndexOf('"usage"');
    if (at === -1) return null;
    const usage = text.slice(at);
    const cached = countOf(usage, 'cached_tokens') ?? countOf(usage, 'cache_read_input_tokens');
    const prompt = countOf(usage, 'prompt_tokens') ?? inputTokens(usage);
    if (prompt === null) return null;
    return {
      promptTokens: prompt,
      cachedTokens: cached,
      completionTokens: countOf(usage, 'completion_tokens') ?? countOf(usage, 'output_tokens'),
    };
  }
}

/** Of the responses and the Anthropic API. The latter counts what came from the cache apart. */
function inputTokens(usage: string): number | null {
  const input = countOf(usage, 'input_tokens');
  if (input === null) return null;
  const apart = ['cache_read_input_tokens', 'cache_creation_input_tokens'];
  return apart.reduce((sum, name) => sum + (countOf(usage, name) ?? 0), input);
}

function countOf(usage: string, name: string): number | null {
  const found = new RegExp(`"${name}"\\s*:\\s*(\\d+)`).exec(usage);
  return found === null ? null : Number(found[1]);
}
