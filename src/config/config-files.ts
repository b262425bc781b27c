// ConfigFiles: reads the files that a configuration names, and remembers which they were.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';

export class ConfigFiles {
  readonly #folder: string;
  readonly #names = new Set<string>();

  /** Names are looked for in `folder`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Absolute names of all files read so far. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  resolve(name: string): string {
    return path.resolve(this.#folder, name);
  }

  /** Throws ConfigError naming the file; `what` says where its name stands. */
  read(name: string, what: string): string {
    const resolved = this.resolve(name);
    this.#names.add(resolved);
    return readText(resolved, what);
  }
}

export function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${what} ${file} cannot be read: ${reason}`);
  }
}
