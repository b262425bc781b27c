// A snapshot in a folder of the operator's: written when the router stops, read when it starts.
import { constants, createReadStream, createWriteStream, existsSync } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '../errors.js';

const NAME = 'index.snapshot';

export class StateFile {
  readonly path: string;

  constructor(folder: string) {
    this.path = path.join(folder, NAME);
  }

  /** Makes the folder. Rejects with ConfigError where nothing can be written: at the stop it would be
   * too late. */
  async prepare(): Promise<void> {
    const folder = path.dirname(this.path);
    try {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError(
        `stateDir: nothing can be written to ${folder}: ${reason}; name a folder that this user owns`,
      );
    }
  }

  /** Replaces the file only when the new one is complete. */
  async write(snapshot: AsyncIterable<Uint8Array>): Promise<void> {
    const unfinished = `${this.path}.${process.pid}`;
    try {
      await pipeline(snapshot, createWriteStream(unfinished, { flush: true }));
      await rename(unfinished, this.path);
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  /** False before the first stop. */
  get exists(): boolean {
    return existsSync(this.path);
  }

  /** Rejects while it is read when there is no file. */
  read(): AsyncIterable<Uint8Array> {
    return createReadStream(this.path, { highWaterMark: 2 ** 18 });
  }
}
