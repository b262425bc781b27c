// Text that a template has written so far.

/** Joining shorter texts costs less than handing each to the tokenizer by itself. */
const LONG_TEXT = 256;

/** Long texts stay as they are: joined, all of a prompt would be copied, and two bytes a character
 * because of one emoji. */
export class TemplateOutput {
  readonly #parts: string[] = [];
  #last = '';

  append(text: string): void {
    if (text.length < LONG_TEXT) {
      this.#last += text;
      return;
    }
    if (this.#last !== '') this.#parts.push(this.#last);
    this.#parts.push(text);
    this.#last = '';
  }

  /** All of it, in order; not for further use of the output. */
  parts(): readonly string[] {
    if (this.#last !== '') this.#parts.push(this.#last);
    this.#last = '';
    return this.#parts;
  }

  toString(): string {
    return this.#parts.length === 0 ? this.#last : this.parts().join('');
  }
}
