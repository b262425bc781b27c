// Waiting for a condition instead of for a time.

/** Ends when the condition holds; fails, naming what it waited for, after `deadlineMs`. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > deadlineMs) {
      throw new Error(`${what} did not happen within ${deadlineMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
