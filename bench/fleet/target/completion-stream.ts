// CompletionStream: the events of one streamed completion as they come, with the times people mean.

/** What a stream has said so far; times are those of `performance.now()`, NaN before they are known. */
export class CompletionStream {
  /** First event with a choice, even an empty one: time to first token as `vllm bench` has it. */
  firstChunkMs = Number.NaN;
  /** First event with text: as inference-perf has it. */
  firstTextMs = Number.NaN;
  /** As the answer's usage says; -1: it does not. */
  promptTokens = -1;
  cachedTokens = -1;
  outputTokens = -1;
  /** What the server broke the stream off with. */
  error: string | null = null;
  /** `[DONE]` has come. */
  isDone = false;
  /** Token ids of the answer, when the server was asked for them. */
  readonly tokens: number[] = [];
  private readonly onGap: (gapMs: number) => void;
  private lastChunkMs = Number.NaN;
  private rest = '';

  /** `onGap`: time between an event with a choice and the one before. */
  constructor(onGap: (gapMs: number) => void) {
    this.onGap = onGap;
  }

  /** Any piece of the body; events may be cut anywhere. */
  read(text: string, nowMs: number): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('data:')) this.event(line.slice('data:'.length).trim(), nowMs);
    }
  }

  private event(data: string, nowMs: number): void {
    if (data === '[DONE]') {
      this.isDone = true;
      return;
    }
    let chunk: Chunk | null;
    try {
      chunk = JSON.parse(data);
    } catch {
      this.error = `an event that is not JSON: ${data.slice(0, 80)}`;
      return;
    }
    if (chunk?.error !== undefined) this.error = JSON.stringify(chunk.error).slice(0, 200);
    const choice = chunk?.choices?.[0];
    if (choice !== undefined) this.token(choice, nowMs);
    const { usage } = chunk ?? {};
    if (usage === undefined || usage === null) return;
    this.promptTokens = usage.prompt_tokens ?? -1;
    this.outputTokens = usage.completion_tokens ?? -1;
    this.cachedTokens = usage.prompt_tokens_details?.cached_tokens ?? -1;
  }

  private token({ text, token_ids }: Choice, nowMs: number): void {
    if (Number.isNaN(this.firstChunkMs)) this.firstChunkMs = nowMs;
    else this.onGap(nowMs - this.lastChunkMs);
    this.lastChunkMs = nowMs;
    if (typeof text === 'string' && text !== '' && Number.isNaN(this.firstTextMs)) {
      this.firstTextMs = nowMs;
    }
    if (Array.isArray(token_ids)) this.tokens.push(...token_ids);
  }
}

interface Choice {
  readonly text?: string | null;
  readonly token_ids?: readonly number[] | null;
}

/** One event, as far as it is of use here. */
interface Chunk {
  readonly choices?: readonly Choice[];
  readonly error?: unknown;
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly completion_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
}
