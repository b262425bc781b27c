// The models as the tokenizer pool must know them, kept as text that crosses threads as it is.
import type { EndpointSlot } from '../endpoint/endpoint.js';
import { type HashSettings, settingsKey } from '../prefix/hash-settings.js';
import type { MatchModel, MatchModels } from '../tokenizer/match-task.js';

/** One version of the models; a request keeps the one it was matched under. */
export interface ModelSnapshot {
  readonly forPool: MatchModels;
  /** Index into the model's `hashSettings`; undefined when the slot was not live then. */
  settingsOf(slot: EndpointSlot): number | undefined;
}

/** A model without its hash settings: those come from its endpoints. */
export type ModelFacts = Omit<MatchModel, 'hashSettings'>;

export interface SlotSettings {
  readonly slot: EndpointSlot;
  readonly model: string;
  readonly settings: HashSettings;
}

export function snapshotModels(
  version: number,
  models: readonly ModelFacts[],
  slots: readonly SlotSettings[],
): ModelSnapshot {
  const indexOfSlot = new Map<EndpointSlot, number>();
  const full: MatchModel[] = models.map((model) => {
    const distinct = new Map<string, { position: number; settings: HashSettings }>();
    for (const { slot, settings } of slots.filter((entry) => entry.model === model.name)) {
      const key = settingsKey(settings);
      const known = distinct.get(key) ?? { position: distinct.size, settings };
      distinct.set(key, known);
      indexOfSlot.set(slot, known.position);
    }
    return { ...model, hashSettings: [...distinct.values()].map(({ settings }) => settings) };
  });
  const settingsOf = (slot: EndpointSlot) => indexOfSlot.get(slot);
  return { forPool: { version, text: JSON.stringify(full) }, settingsOf };
}
