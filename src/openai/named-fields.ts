// The fields that the router needs of a request it only passes on.
import { isUtf8 } from 'node:buffer';

export interface NamedFields {
  /** null: it names none, or not where it can be had cheaply. A wrong guess widens the choice of
   * endpoints, nothing else. */
  readonly model: string | null;
  /** undefined: not said, or not there. */
  readonly priority: number | undefined;
  readonly stream: boolean;
}

/** Larger bodies are not parsed for this: it would hold up every other request. */
const PARSE_BYTES_MAX = 256 * 1024;
/** Where clients put the fields, when they are searched for instead. */
const SEARCH_BYTES = 4096;
const NAME_BYTES_MAX = 512;
/** Places looked at between the ends. The quotes of a key are escaped in a text, so that only keys are
 * found; those of a tool's schema are followed by an object. */
const PLACES_MAX = 64;
const MODEL = /"model"\s*:\s*"([^"\\]+)"/;
const PRIORITY = /"priority"\s*:\s*(-?\d{1,9})\s*[,}]/;
const FORM_FIELD = /name="?model"?[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]+)\r\n/;
const STREAM = /"stream"\s*:\s*(true)\b/;
const NOTHING: NamedFields = { model: null, priority: undefined, stream: false };

export function namedFields(contentType: string, body: Uint8Array): NamedFields {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (contentType.includes('multipart/form-data')) {
    return { ...NOTHING, model: modelOfForm(bytes) };
  }
  if (!contentType.includes('json')) return NOTHING;
  return bytes.length <= PARSE_BYTES_MAX ? fieldsOfJson(bytes) : searchedFields(bytes);
}

function fieldsOfJson(bytes: Buffer): NamedFields {
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    if (typeof parsed !== 'object' || parsed === null) return NOTHING;
    const model = 'model' in parsed && typeof parsed.model === 'string' ? parsed.model : null;
    const priority = 'priority' in parsed ? Number(parsed.priority) : Number.NaN;
    return {
      model,
      priority: Number.isSafeInteger(priority) ? priority : undefined,
      stream: 'stream' in parsed && parsed.stream === true,
    };
  } catch {
    // Not JSON after all: the engine will say so better than we could.
    return NOTHING;
  }
}

function searchedFields(bytes: Buffer): NamedFields {
  const head = bytes.toString('latin1', 0, SEARCH_BYTES);
  const tail = bytes.toString('latin1', bytes.length - SEARCH_BYTES);
  const find = (field: RegExp) => field.exec(head)?.[1] ?? field.exec(tail)?.[1];
  const priority = find(PRIORITY);
  return {
    model: asUtf8(find(MODEL) ?? inBetween(bytes, '"model"', MODEL)),
    priority: priority === undefined ? undefined : Number(priority),
    stream: (find(STREAM) ?? inBetween(bytes, '"stream"', STREAM)) !== undefined,
  };
}

function inBetween(bytes: Buffer, key: string, field: RegExp): string | undefined {
  let at = bytes.indexOf(key);
  for (let places = 0; at !== -1 && places < PLACES_MAX; places++) {
    const [, found] = field.exec(bytes.toString('latin1', at, at + NAME_BYTES_MAX)) ?? [];
    if (found !== undefined) return found;
    at = bytes.indexOf(key, at + key.length);
  }
  return undefined;
}

/** The file of an upload may be large; the field is looked up around its name. */
function modelOfForm(bytes: Buffer): string | null {
  for (const name of ['name="model"', 'name=model']) {
    const at = bytes.indexOf(name);
    if (at === -1) continue;
    return asUtf8(FORM_FIELD.exec(bytes.toString('latin1', at, at + NAME_BYTES_MAX))?.[1]);
  }
  return null;
}

function asUtf8(latin1: string | undefined): string | null {
  if (latin1 === undefined) return null;
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : null;
}
