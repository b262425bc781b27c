// Chats for the decision benchmark: turns of agents at work, of a given length in tokens.
//
// Texts come from the recorded trace of shared/traces beside the project where there is one, else
// from a generator of words and code. A conversation's history stays; its last message is new in
// every turn, as when an agent sends its next observation.
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { seededRandom } from '../fleet/random.js';

/** Looked for from the project's folder, where a benchmark is started. */
export const RECORDED_TRACE = '../shared/traces/text_miniswe_pub.jsonl.gz';
const GENERATED_CHARACTERS = 200_000;
/** A cold text has something new this often, so that no part of it was tokenized before. */
const NOVEL_EVERY_CHARACTERS = 400;
const ROLES = ['user', 'assistant'];

export interface ConversationShape {
  readonly messages: number;
  /** Characters of all messages together. */
  readonly characters: number;
}

export class ConversationSource {
  readonly name: string;
  readonly #text: string;
  #novelties = 0;

  constructor(traceFile: string, seed: number) {
    const recorded = existsSync(traceFile) ? readTrace(traceFile) : null;
    this.name = recorded === null ? 'generated text' : 'recorded trace';
    this.#text = recorded ?? generate(seed);
  }

  /** A part that shows what the text is like. */
  sample(): string {
    return this.#text.slice(0, 100_000);
  }

  /** Turns of one conversation; `nextTurn` gives a body that differs from the others only in its last
   * message. */
  conversation(model: string, number: number, shape: ConversationShape): () => Buffer {
    const size = Math.floor(shape.characters / shape.messages);
    const texts = Array.from({ length: shape.messages }, (_, i) =>
      this.#slice((number * 7919 + i) * size, size),
    );
    const last = texts.pop() ?? '';
    const history = texts.map((text, i) => message(i, `[session ${number}] ${text}`));
    const head = Buffer.from(`${opening(model)}${history.join(',')},`);
    let turn = 0;
    return () => {
      turn++;
      const text = `Observation ${turn} of session ${number}:\n${last}`;
      return Buffer.concat([head, Buffer.from(`${message(history.length, text)}${CLOSING}`)]);
    };
  }

  /** A body that has no text in common with any other. */
  novel(model: string, { messages, characters }: ConversationShape): Buffer {
    const size = Math.floor(characters / messages);
    const start = this.#novelties * 104_729;
    const texts = Array.from({ length: messages }, (_, i) => {
      const parts: string[] = [];
      for (let at = 0; at < size; at += NOVEL_EVERY_CHARACTERS) {
        this.#novelties++;
        const length = Math.min(NOVEL_EVERY_CHARACTERS, size - at) - 8;
        parts.push(`#${this.#novelties} ${this.#slice(start + i * size + at, length)}`);
      }
      return message(i, parts.join(''));
    });
    return Buffer.from(`${opening(model)}${texts.join(',')}${CLOSING}`);
  }

  #slice(start: number, length: number): string {
    const text = this.#text;
    let at = start % text.length;
    let slice = text.slice(at, at + length);
    while (slice.length < length) {
      at = 0;
      slice += text.slice(at, length - slice.length);
    }
    return slice;
  }
}

const CLOSING = '],"max_tokens":16,"temperature":0.7}';

function opening(model: string): string {
  return `{"model":${JSON.stringify(model)},"messages":[`;
}

function message(position: number, text: string): string {
  const role = position === 0 ? 'system' : ROLES[(position - 1) % ROLES.length];
  return JSON.stringify({ role, content: text });
}

/** All new text of the trace, session after session. */
function readTrace(file: string): string {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').split('\n');
  const texts: string[] = [];
  for (const line of lines) {
    const entry: { readonly x?: unknown } = line === '' ? {} : JSON.parse(line);
    if (typeof entry.x === 'string') texts.push(entry.x);
  }
  // A slice may cut a surrogate pair in two, which JSON could not carry to an engine.
  return texts.join('\n').replace(/[\ud800-\udfff]/g, '');
}

/** Sentences and lines of code over a vocabulary whose words are used as unevenly as real ones. */
function generate(seed: number): string {
  const random = seededRandom(seed);
  const letters = 'etaoinshrdlucmfwypvbgkjqxz';
  const letter = () => letters[Math.floor(random() ** 2 * letters.length)] ?? 'e';
  const words = Array.from({ length: 4000 }, () =>
    Array.from({ length: 2 + Math.floor(random() * 8) }, letter).join(''),
  );
  const word = () => words[Math.floor(random() ** 3 * words.length)] ?? 'the';
  const line = () =>
    random() < 0.3
      ? `    ${word()}.${word()}(${word()}=${Math.floor(random() * 1000)})\n`
      : `${Array.from({ length: 12 }, word).join(' ')}.\n`;
  let text = '';
  while (text.length < GENERATED_CHARACTERS) text += line();
  return text;
}
