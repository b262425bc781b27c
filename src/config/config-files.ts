// ConfigFiles: reads the files that a configuration names, and remembers which they were.
import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';

/** By absolute name: the version that was read. */
export type FileVersions = ReadonlyMap<string, string>;

export class ConfigFiles {
  readonly #folder: string;
  readonly #versions = new Map<string, string>();

  /** Names are looked for in `folder`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All files read so far. */
  get versions(): FileVersions {
    return this.#versions;
  }

  resolve(name: string): string {
    return path.resolve(this.#folder, name);
  }

  /** Throws ConfigError naming the file; `what` says where its name stands. */
  read(name: string, what: string): string {
    const resolved = this.resolve(name);
    try {
      // Before it is read: a change in between is seen later, instead of never.
      this.#versions.set(resolved, fileVersion(statSync(resolved, { bigint: true })));
      return readFileSync(resolved, 'utf8');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError(`${what} ${resolved} cannot be read: ${reason}`);
    }
  }
}

/** Another text for other contents, as far as file systems tell. */
export function fileVersion({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs}`;
}
