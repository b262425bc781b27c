// SdkClient: what the facts ask of an SDK, whatever its own calls look like.
import { readFileSync } from 'node:fs';

export interface Ask {
  readonly model: string;
  readonly prompt: string;
  /** Turns before the prompt: what was asked and what was answered. */
  readonly earlier?: readonly (readonly [user: string, assistant: string])[];
  readonly maxTokens: number;
  /** Whether a stream ends with token counts, where the SDK lets its user choose. */
  readonly wantsUsage?: boolean;
  readonly tools?: readonly ToolOffer[];
  readonly signal?: AbortSignal;
}

export interface ToolOffer {
  readonly name: string;
  readonly description: string;
  /** JSON schema of an object. */
  readonly properties: Readonly<Record<string, { readonly type: 'string' | 'number' }>>;
}

export interface ToolCall {
  readonly name: string;
  readonly input: unknown;
}

/** As the SDK tells it to its user. */
export interface Told {
  readonly text: string;
  readonly finish: string;
  /** null: the SDK was told of no counts. */
  readonly usage: { readonly prompt: number; readonly completion: number } | null;
  readonly toolCalls: readonly ToolCall[];
}

export interface ToldFailure {
  readonly status: number | undefined;
  readonly message: string;
}

export interface SdkClient {
  chat(ask: Ask): Promise<Told>;
  /** Hands on each piece of text as the SDK does. */
  streamChat(ask: Ask, onText: (piece: string) => void): Promise<Told>;
  complete(ask: Ask): Promise<string>;
  streamComplete(ask: Ask): Promise<string>;
  embed(model: string, texts: readonly string[]): Promise<readonly (readonly number[])[]>;
  /** null: the SDK has no call for it. */
  readonly models: (() => Promise<readonly string[]>) | null;
  /** Reads an error that the SDK has thrown. */
  failure(thrown: unknown): ToldFailure;
}

export interface SdkOptions {
  /** With `/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 0: the facts are about the first answer. */
  readonly retries?: number;
  /** null: the SDK's own way to the network. */
  readonly fetch?: typeof fetch | null;
}

export interface Sdk {
  /** Name and version. */
  readonly name: string;
  connect(options: SdkOptions): SdkClient;
}

/** Name and version of an installed package; `folder` where it is installed under another name. */
export function installed(folder: string): string {
  const manifest = new URL(`../../../node_modules/${folder}/package.json`, import.meta.url);
  const { name, version } = JSON.parse(readFileSync(manifest, 'utf8'));
  return `${name} ${version}`;
}
