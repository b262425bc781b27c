// SIGTERM and SIGINT end a server command in order, with exit code 0.

/** Resolves at the first SIGTERM or SIGINT. A second one ends the process at once. */
export function untilStopped(): Promise<NodeJS.Signals> {
  // A server outlives whoever waited for its ready line.
  process.stdout.on('error', () => {});
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (asked) process.exit(1);
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
