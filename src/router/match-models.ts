// The models as the tokenizer pool must know them, kept as text that crosses threads as it is.
import { type HashSettings, settingsKey } from '../prefix/hash-settings.js';
import type { MatchModel, MatchModels } from '../tokenizer/match-task.js';

/** One version of the models; a request keeps the one it was matched under. */
export interface ModelSnapshot {
  readonly forPool: MatchModels;
  /** Index into the model's `hashSettings`, by the endpoint's epoch, which no two endpoints share;
   * undefined when it was not live then: what was matched is not about it, even in the same slot. */
  settingsOf(epoch: number): number | undefined;
}

/** A model without its hash settings: those come from its endpoints. */
export type ModelFacts = Omit<MatchModel, 'hashSettings'>;

export interface EndpointSettings {
  readonly epoch: number;
  readonly model: string;
  readonly settings: HashSettings;
}

export function snapshotModels(
  version: number,
  models: readonly ModelFacts[],
  endpoints: readonly EndpointSettings[],
): ModelSnapshot {
  const positions = new Map<number, number>();
  const full: MatchModel[] = models.map((model) => {
    const distinct = new Map<string, { position: number; settings: HashSettings }>();
    for (const { epoch, settings } of endpoints.filter((one) => one.model === model.name)) {
      const key = settingsKey(settings);
      const known = distinct.get(key) ?? { position: distinct.size, settings };
      distinct.set(key, known);
      positions.set(epoch, known.position);
    }
    return { ...model, hashSettings: [...distinct.values()].map(({ settings }) => settings) };
  });
  const settingsOf = (epoch: number) => positions.get(epoch);
  return { forPool: { version, text: JSON.stringify(full) }, settingsOf };
}
