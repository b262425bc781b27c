// JSON lines in, JSON lines out: how `inspect` talks.
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ConfigError } from '../errors.js';

/** Answers each line of `input` in order. A line that cannot be answered ends the run with a
 * ConfigError that names its number. */
export async function answerLines(
  input: Readable,
  output: Writable,
  answer: (value: unknown) => object | Promise<object>,
): Promise<void> {
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim() === '') continue;
    try {
      const result = await answer(JSON.parse(line));
      if (!output.write(`${JSON.stringify(result)}\n`)) {
        await new Promise((resolve) => output.once('drain', resolve));
      }
    } catch (failure) {
      throw new ConfigError(
        `line ${number}: ${failure instanceof Error ? failure.message : failure}`,
      );
    }
  }
}
