// DemoChats: made-up assistants with long instructions, and people who talk to them in several turns.

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** More instructions than one engine of the demo can keep, and fewer than three can. */
const ASSISTANTS = 48;
const RULES_AN_ASSISTANT = 240;
const TURNS_MIN = 2;
const TURNS_MAX = 5;

const TRADES = ['harbour master', 'clockmaker', 'gardener', 'librarian', 'baker', 'surveyor'];
const TOWNS = ['Aldby', 'Norrvik', 'Calder', 'Felsund', 'Marrow', 'Oakhaven', 'Tiln', 'Westray'];
const THINGS = ['a ledger', 'the north gate', 'an old map', 'the evening tide', 'a brass key'];
const ACTS = ['write down', 'check twice', 'never promise', 'first ask about', 'always mention'];
const TIMES = ['before noon', 'on market days', 'in heavy rain', 'after the bell', 'in winter'];

export class DemoChats {
  readonly #random: () => number;

  /** `random` gives numbers in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Instructions of an assistant, about 6,000 tokens. */
  assistant(): string {
    return instructions(Math.floor(ASSISTANTS * this.#random()));
  }

  turns(): number {
    return TURNS_MIN + Math.floor(this.#random() * (TURNS_MAX - TURNS_MIN + 1));
  }

  question(): string {
    const pick = (words: readonly string[]) => words[Math.floor(this.#random() * words.length)];
    const number = Math.floor(this.#random() * 1e6);
    return `Case ${number}: what should I do about ${pick(THINGS)} in ${pick(TOWNS)} ${pick(TIMES)}?`;
  }
}

/** The same number gives the same text: that is what makes it a shared prefix. */
function instructions(number: number): string {
  const pick = (words: readonly string[], salt: number) =>
    words[(number * 7 + salt * 13 + ((number * salt) % 11)) % words.length];
  const rules = Array.from({ length: RULES_AN_ASSISTANT }, (_, i) => {
    return `Rule ${i + 1}: when somebody asks about ${pick(THINGS, i)} in ${pick(TOWNS, i)}, ${pick(ACTS, i)} ${pick(THINGS, i + 3)} ${pick(TIMES, i)}.`;
  });
  return `You are ${pick(TRADES, 1)} number ${number} of ${pick(TOWNS, 1)}. ${rules.join(' ')}`;
}
