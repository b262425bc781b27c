// Compiles C++ sources to object files, as many at a time as the machine has processors.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';

/** Milliseconds since the epoch of the last change of a file, 0 where there is none. */
export function modified(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

/**
 * The object files of `sources` in `output`. Those older than their source or than one of `shared`
 * (headers and whatever else all of them depend on) are compiled by `command`, a compiler with its
 * flags. The process ends at the first one that does not compile.
 */
export async function objectsOf({ command: [compiler, ...flags], sources, shared, output }) {
  mkdirSync(output, { recursive: true });
  const newestShared = Math.max(0, ...shared.map(modified));
  const objects = sources.map((source) => join(output, `${basename(source, '.cc')}.o`));
  const stale = sources.flatMap((source, i) =>
    modified(objects[i]) < Math.max(modified(source), newestShared) ? [[source, objects[i]]] : [],
  );
  const compileNext = async () => {
    for (let next = stale.shift(); next !== undefined; next = stale.shift()) {
      const [source, object] = next;
      await compile(compiler, [...flags, '-c', source, '-o', object]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, compileNext));
  return objects;
}

function compile(compiler, parameters) {
  return new Promise((resolve) => {
    const fail = (reason) => {
      process.stderr.write(`${compiler} failed ${reason}\n`);
      process.exit(1);
    };
    spawn(compiler, parameters, { stdio: 'inherit' })
      .on('error', fail)
      .on('exit', (code, signal) => (code === 0 ? resolve() : fail(signal ?? '')));
  });
}
