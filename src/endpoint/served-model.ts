// One entry of an engine's /v1/models.

export interface ServedModel {
  readonly id: string;
  /** Base model of an adapter; null for a base model. */
  readonly parent: string | null;
  readonly maxModelLen: number | null;
}

/** More entries than any engine serves; a bound for one that lies. */
const ENTRIES_MAX = 10_000;

/** Lenient: an entry without an id is passed over. null: the text is no list of models. */
export function parseModels(text: string): readonly ServedModel[] | null {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    // What an engine says of its models must not cost what it says of its load.
    return null;
  }
  const { data } = record(list);
  if (!Array.isArray(data)) return null;
  return data.slice(0, ENTRIES_MAX).flatMap((entry: unknown) => {
    const { id, parent, max_model_len: length } = record(entry);
    if (typeof id !== 'string') return [];
    return [
      {
        id,
        parent: typeof parent === 'string' ? parent : null,
        maxModelLen: typeof length === 'number' && length > 0 ? length : null,
      },
    ];
  });
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
