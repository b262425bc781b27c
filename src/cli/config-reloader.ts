// ConfigReloader: takes a changed configuration over while the router runs. What is wrong with it is
// said and counted, and the one before stays.
//
// Files are looked at by time: a mounted ConfigMap changes by exchanging a link to a folder, and network
// file systems announce nothing.
import { stat } from 'node:fs/promises';
import type { Config, LoadedConfig } from '../config/config.js';
import type { ConfigChange } from '../config/config-change.js';
import { type FileVersions, fileVersion } from '../config/config-files.js';
import { log } from '../log.js';
import type { Metrics } from '../metrics.js';

export interface ReloaderParts {
  /** Throws ConfigError. */
  readonly load: () => LoadedConfig;
  /** Rejects with ConfigError when the new one cannot be used; then nothing has changed. */
  readonly change: (config: Config) => Promise<Omit<ConfigChange, 'config'>>;
  readonly metrics: Pick<Metrics, 'configReloads' | 'configRefused' | 'configWaiting'>;
  readonly lookEveryMs?: number;
}

/** Twice that, since a file counts once it has stayed the same from one look to the next: whoever
 * writes it may be in the middle. */
const LOOK_EVERY_MS = 1000;
const NONE = {};

export class ConfigReloader {
  readonly #parts: ReloaderParts;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #current: LoadedConfig;
  /** The files as they were at the last look. */
  #seen = '';
  /** Why the newest files are not in use; null: they are. */
  #refusal: string | null = null;
  #reloading: Promise<void> | null = null;

  constructor(current: LoadedConfig, parts: ReloaderParts) {
    this.#parts = parts;
    this.#current = current;
    void this.#look();
  }

  /** As last taken over. */
  get config(): Config {
    return this.#current.config;
  }

  /** Reads all files again, changed or not. Never rejects. */
  async reload(): Promise<void> {
    // One that is under way may have read the files before they changed.
    await this.#reloading;
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = null;
    });
    await this.#reloading;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { files } = this.#current;
    const version = await versionsNow(files);
    const isSettled = version === this.#seen;
    this.#seen = version;
    // What was refused may wait for a file that was not there, whose name nobody knows here.
    const isOther = version !== textOf(files) || this.#refusal !== null;
    if (isSettled && isOther) await this.reload();
    if (this.#closed) return;
    const { lookEveryMs = LOOK_EVERY_MS } = this.#parts;
    this.#timer = setTimeout(() => void this.#look(), lookEveryMs).unref();
  }

  async #reload(): Promise<void> {
    const { load, change, metrics } = this.#parts;
    try {
      const loaded = load();
      const { changed, waiting } = await change(loaded.config);
      this.#current = loaded;
      for (const warning of loaded.warnings) log.warn(warning);
      log.info('configuration taken over', { changed });
      if (waiting.length > 0) log.warn('settings wait for a restart', { settings: waiting });
      metrics.configReloads.inc({ result: changed.length > 0 ? 'changed' : 'same' });
      metrics.configWaiting.set(NONE, waiting.length);
      this.#refusal = null;
    } catch (failure) {
      const reason = failure instanceof Error ? failure.message : String(failure);
      // Tried again and again until it is right; said once.
      if (reason !== this.#refusal) {
        log.error('configuration refused: the one before stays', { reason });
        metrics.configReloads.inc({ result: 'refused' });
      }
      this.#refusal = reason;
    }
    metrics.configRefused.set(NONE, this.#refusal === null ? 0 : 1);
  }
}

async function versionsNow(files: FileVersions): Promise<string> {
  const versions = [...files.keys()].map(async (file): Promise<[string, string]> => {
    try {
      return [file, fileVersion(await stat(file, { bigint: true }))];
    } catch (failure) {
      return [file, String(failure)];
    }
  });
  return textOf(new Map(await Promise.all(versions)));
}

function textOf(files: FileVersions): string {
  return JSON.stringify([...files]);
}
