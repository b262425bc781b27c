// FileSource: endpoints listed in a file that somebody rewrites.
//
// Looked at by time: a mounted ConfigMap changes by exchanging a link to a folder, and network file
// systems announce nothing, so watching the file itself misses what matters.
import { readFile, stat } from 'node:fs/promises';
import type { FileConfig } from '../config/endpoint-schema.js';
import { ENDPOINTS_FILE } from '../config/endpoint-schema.js';
import { Place } from '../config/field.js';
import { parseYaml } from '../config/yaml-document.js';
import type { WantedEndpoint } from '../endpoint/endpoint.js';
import type { EndpointSource, SourceListener } from './endpoint-source.js';

/** A thousand endpoints are some 200 KB. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

export class FileSource implements EndpointSource {
  readonly #config: FileConfig;
  readonly #listener: SourceListener;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #version = '';

  constructor(config: FileConfig, listener: SourceListener) {
    this.#config = config;
    this.#listener = listener;
    void this.#look();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { path, intervalMs } = this.#config;
    try {
      const { mtimeMs, ino, size } = await stat(path);
      const version = `${mtimeMs} ${ino} ${size}`;
      if (version !== this.#version) {
        if (size > FILE_BYTES_MAX) throw new Error(`${path} has more than ${FILE_BYTES_MAX} bytes`);
        const endpoints = parseEndpointsFile(await readFile(path, 'utf8'), path);
        if (this.#closed) return;
        this.#listener.list(endpoints);
        // Only what could be read counts as seen: half a file is looked at again.
        this.#version = version;
      }
    } catch (failure) {
      if (this.#closed) return;
      this.#listener.failed(failure instanceof Error ? failure.message : String(failure));
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#look(), intervalMs);
  }
}

/** Throws ConfigError that names line and key. */
export function parseEndpointsFile(content: string, source: string): WantedEndpoint[] {
  const place = new Place(parseYaml(content, source));
  const { endpoints } = ENDPOINTS_FILE.read(place.document.value, place);
  return endpoints.map(({ id, name, ...endpoint }) => {
    const { url, dataParallelRank: rank } = endpoint;
    const fallback = `${new URL(url).host}${rank === null ? '' : `/dp${rank}`}`;
    return { ...endpoint, name: name ?? fallback, identity: id };
  });
}
