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
    const prompt = /"prompt_tokens"\s*:\s*(\d+)/.exec(usage);
    if (prompt === null) return null;
    const completion = /"completion_tokens"\s*:\s*(\d+)/.exec(usage);
    const cached = /"cached_tokens"\s*:\s*(\d+)/.exec(usage);
    return {
      promptTokens: Number(prompt[1]),
      cachedTokens: cached === null ? null : Number(cached[1]),
      completionTokens: completion === null ? null : Number(completion[1]),
    };
  }
}
