// One part of a message's content.
import type { ContentPart } from '../inference-request.js';
import { isObject, type Json, type JsonObject } from '../json.js';
import { invalidField, stringAt, wrongType } from './request-fields.js';

/** Part type -> field that holds its text. */
const TEXT_FIELDS: ReadonlyMap<string, string> = new Map([
  ['text', 'text'],
  ['input_text', 'text'],
  ['output_text', 'text'],
  ['refusal', 'refusal'],
  ['thinking', 'thinking'],
]);

/** Field that makes a part media -> modality; a client may leave `type` out. */
const MEDIA_FIELDS: readonly (readonly [string, string])[] = [
  ['image_url', 'image'],
  ['image_pil', 'image'],
  ['image_embeds', 'image'],
  ['audio_embeds', 'audio'],
  ['prompt_embeds', 'prompt_embeds'],
  ['audio_url', 'audio'],
  ['input_audio', 'audio'],
  ['video_url', 'video'],
];

/** An empty array when vLLM skips the part: text that is null. */
export function parseContentPart(value: Json, path: string): ContentPart[] {
  if (typeof value === 'string') return [{ kind: 'text', text: value, extra: null }];
  if (!isObject(value)) throw wrongType(path, 'a string or an object', value);
  const type = value.get('type') ?? null;
  if (type === null) return [untypedPart(value, path)];
  const name = stringAt(type, `${path}.type`);
  const textField = TEXT_FIELDS.get(name);
  if (textField !== undefined) return textPart(value, textField, path);
  if (name === 'tool_reference') {
    return [{ kind: 'tool-reference', name: stringAt(value.get('name'), `${path}.name`) }];
  }
  // A type that only newer engines know is also opaque: the prompt is known up to it.
  return [{ kind: 'media', modality: modalityOf(name) }];
}

function textPart(part: JsonObject, field: string, path: string): ContentPart[] {
  if ((part.get(field) ?? null) === null) return [];
  const text = stringAt(part.get(field), `${path}.${field}`);
  const others = [...part].filter(([key]) => key !== 'type' && key !== field);
  return [{ kind: 'text', text, extra: others.length === 0 ? null : new Map(others) }];
}

function untypedPart(part: JsonObject, path: string): ContentPart {
  for (const [field, modality] of MEDIA_FIELDS) {
    if (part.has(field)) return { kind: 'media', modality };
  }
  if (part.has('refusal')) {
    return { kind: 'text', text: stringAt(part.get('refusal'), `${path}.refusal`), extra: null };
  }
  throw invalidField(`${path}.type`, 'is required');
}

function modalityOf(type: string): string {
  if (type === 'input_image') return 'image';
  return MEDIA_FIELDS.find(([field]) => field === type)?.[1] ?? type;
}
