// A snapshot in a folder of the operator's: written when the router stops, read when it starts.
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

const NAME = 'index.snapshot';

export class StateFile {
  readonly path: string;

  constructor(folder: string) {
    this.path = path.join(folder, NAME);
  }

  /** Replaces the file only when the new one is complete. */
  async write(snapshot: AsyncIterable<Uint8Array>): Promise<void> {
    const unfinished = `${this.path}.${process.pid}`;
    await mkdir(path.dirname(this.path), { recursive: true });
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
