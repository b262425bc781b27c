// Hears on which event address each probe is announced. The prefix index could not tell: where the
// addresses of two engines are mixed up, the replay of one fills the gaps in the stream of the other.
import type { EndpointConfig } from '../config/config.js';
import { createEventContext, EngineSubscription } from '../events/event-subscriber.js';
import { announcedBlocks, startsWith } from './event-survey.js';

interface Ear {
  readonly name: string;
  subscription: EngineSubscription | null;
  connected: boolean;
}

export class ProbeListener {
  readonly #ears: readonly Ear[];
  /** Prompt, and the endpoints at whose address it was heard. */
  readonly #heard = new Map<Uint32Array, Set<string>>();

  /** Listens at each endpoint that has an address of its own. */
  constructor(endpoints: readonly EndpointConfig[]) {
    const context = createEventContext(endpoints.length);
    this.#ears = endpoints.flatMap(({ name, kvEvents }) => {
      if (kvEvents === null) return [];
      const ear: Ear = { name, subscription: null, connected: false };
      ear.subscription = new EngineSubscription(context, kvEvents, {
        connected: () => {
          ear.connected = true;
        },
        disconnected: () => {},
        refused: () => {},
        fault: () => {},
        message: ({ payload }) => this.#hear(name, payload),
      });
      return [ear];
    });
  }

  get isConnected(): boolean {
    return this.#ears.every(({ connected }) => connected);
  }

  /** To be called before the prompt is sent. */
  expect(prompt: Uint32Array): void {
    this.#heard.set(prompt, new Set());
  }

  heardAt(prompt: Uint32Array): readonly string[] {
    return [...(this.#heard.get(prompt) ?? [])];
  }

  close(): void {
    for (const { subscription } of this.#ears) subscription?.close();
  }

  #hear(name: string, payload: Uint8Array): void {
    if (this.#heard.size === 0) return;
    for (const block of announcedBlocks(payload)) {
      for (const [prompt, names] of this.#heard) {
        if (startsWith(prompt, block)) names.add(name);
      }
    }
  }
}
