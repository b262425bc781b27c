// DemoTraffic: a few people who chat through the router, so that there is something to see.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChatMessage, DemoChats } from './demo-chats.js';

export interface DemoAnswer {
  /** `performance.now()` when the request was sent. */
  readonly sentMs: number;
  readonly firstTokenMs: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

export interface DemoTrafficOptions {
  /** API of the router. */
  readonly url: string;
  readonly model: string;
  readonly onAnswer: (answer: DemoAnswer) => void;
  readonly random?: () => number;
}

/** About five requests a second: alive, and no burden for a laptop. */
const PEOPLE = 10;
const THINK_MS = 1500;
const ANSWER_TOKENS = 48;
/** Somebody whose request failed tries again after this. */
const PAUSE_MS = 1000;

export class DemoTraffic {
  readonly #options: DemoTrafficOptions;
  readonly #random: () => number;
  readonly #chats: DemoChats;
  #running: AbortController | null = null;

  constructor(options: DemoTrafficOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#chats = new DemoChats(this.#random);
  }

  get isOn(): boolean {
    return this.#running !== null;
  }

  start(): void {
    if (this.#running !== null) return;
    this.#running = new AbortController();
    for (let i = 0; i < PEOPLE; i += 1) void this.#person(this.#running.signal);
  }

  /** Requests under way are given up. */
  stop(): void {
    this.#running?.abort();
    this.#running = null;
  }

  async #person(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#chat(signal);
      } catch {
        // The page shows failed requests; the person only waits and starts over.
        await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #chat(signal: AbortSignal): Promise<void> {
    const messages: ChatMessage[] = [{ role: 'system', content: this.#chats.assistant() }];
    for (let turns = this.#chats.turns(); turns > 0; turns -= 1) {
      await delay(-Math.log(1 - this.#random()) * THINK_MS, undefined, { signal });
      messages.push({ role: 'user', content: this.#chats.question() });
      messages.push({ role: 'assistant', content: await this.#ask(messages, signal) });
    }
  }

  /** Returns the answer's text. */
  async #ask(messages: readonly ChatMessage[], signal: AbortSignal): Promise<string> {
    const { url, model, onAnswer } = this.#options;
    const sentMs = performance.now();
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ model, messages, max_tokens: ANSWER_TOKENS, stream: true },
        stream_options: { include_usage: true },
      }),
    });
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
    let firstTokenMs: number | null = null;
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      firstTokenMs ??= performance.now() - sentMs;
      text += decoder.decode(chunk, { stream: true });
    }
    const { content, promptTokens, cachedTokens } = readStream(text);
    onAnswer({ sentMs, firstTokenMs: firstTokenMs ?? 0, promptTokens, cachedTokens });
    return content;
  }
}

interface StreamedAnswer {
  readonly content: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

/** One event of a chat stream, as far as it is of use here. */
interface ChatChunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
  readonly usage?: {
    readonly prompt_tokens?: number;
    readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
  } | null;
}

function readStream(text: string): StreamedAnswer {
  let content = '';
  let promptTokens = 0;
  let cachedTokens = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith('data: {')) continue;
    const chunk: ChatChunk = JSON.parse(line.slice('data: '.length));
    content += chunk.choices?.[0]?.delta?.content ?? '';
    promptTokens = chunk.usage?.prompt_tokens ?? promptTokens;
    cachedTokens = chunk.usage?.prompt_tokens_details?.cached_tokens ?? cachedTokens;
  }
  return { content, promptTokens, cachedTokens };
}
