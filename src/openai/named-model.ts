// The model that a request names, when the router needs no more of it than that.
import { isUtf8 } from 'node:buffer';

/** Larger bodies are not parsed for this: it would hold up every other request. */
const PARSE_BYTES_MAX = 256 * 1024;
/** Where clients put the field, when it is searched for instead. */
const SEARCH_BYTES = 4096;
const NAME_BYTES_MAX = 512;
const JSON_FIELD = /"model"\s*:\s*"([^"\\]+)"/;
const FORM_FIELD = /name="?model"?[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]+)\r\n/;

/** null: it names none, or not where it can be had cheaply. A wrong guess widens the choice of
 * endpoints, nothing else. */
export function namedModel(contentType: string, body: Uint8Array): string | null {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (contentType.includes('multipart/form-data')) return fieldOfForm(bytes);
  if (!contentType.includes('json')) return null;
  return bytes.length <= PARSE_BYTES_MAX ? fieldOfJson(bytes) : searchedField(bytes);
}

function fieldOfJson(bytes: Buffer): string | null {
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    if (typeof parsed !== 'object' || parsed === null || !('model' in parsed)) return null;
    return typeof parsed.model === 'string' ? parsed.model : null;
  } catch {
    // Not JSON after all: the engine will say so better than we could.
    return null;
  }
}

function searchedField(bytes: Buffer): string | null {
  const head = bytes.toString('latin1', 0, SEARCH_BYTES);
  const tail = bytes.toString('latin1', bytes.length - SEARCH_BYTES);
  return asUtf8(JSON_FIELD.exec(head)?.[1] ?? JSON_FIELD.exec(tail)?.[1]);
}

/** The file of an upload may be large; the field is looked up around its name. */
function fieldOfForm(bytes: Buffer): string | null {
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
