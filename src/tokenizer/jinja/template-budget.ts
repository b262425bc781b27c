// What one rendering may cost. Real templates stay far below; one that a request brings along, or that
// meets a request it was not made for, must not take a thread or its memory.

/** Iterations, macro calls and elements of ranges: a second or two. A chat of 10,000 messages takes
 * some 100,000. */
const MAX_STEPS = 3_000_000;
/** Characters of one text, and elements of one list, that are put together. */
const MAX_TEXT = 2 ** 26;
const MAX_LIST = 10_000_000;

/** The engine might render it all the same, so this is no verdict on the request. */
export class TemplateLimitError extends Error {
  constructor(what: string) {
    super(`the chat template ${what}`);
    this.name = 'TemplateLimitError';
  }
}

/** Rendering waits for nothing, so at any moment a thread has at most one under way. */
let stepsLeft = 0;

export function beginRendering(): void {
  stepsLeft = MAX_STEPS;
}

/** Throws TemplateLimitError, here and below. */
export function takeSteps(count: number): void {
  stepsLeft -= count;
  if (stepsLeft < 0) throw new TemplateLimitError(`takes more than ${MAX_STEPS} steps`);
}

export function checkTextLength(length: number): void {
  if (length > MAX_TEXT) throw new TemplateLimitError(`makes a text of ${length} characters`);
}

export function checkListLength(length: number): void {
  if (length > MAX_LIST) throw new TemplateLimitError(`makes a list of ${length} elements`);
  takeSteps(length);
}
