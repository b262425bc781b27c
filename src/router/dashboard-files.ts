// DashboardFiles: the static page of the admin port, read once.
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { Exchange, HeaderList } from '../http/exchange.js';

const FOLDER = new URL('../dashboard/', import.meta.url);
const ENTRY = 'page.html';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** Nothing from anywhere but this port, no inline script or style, no frame around it. */
const SECURITY: HeaderList = [
  [
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
];

export class DashboardFiles {
  readonly #files: ReadonlyMap<string, { readonly headers: HeaderList; readonly bytes: Buffer }>;

  /** Throws when the build has not copied the files. */
  constructor() {
    const names = readdirSync(FOLDER).filter((name) => Object.hasOwn(CONTENT_TYPES, extname(name)));
    this.#files = new Map(
      names.map((name) => {
        const headers: HeaderList = [
          ['content-type', CONTENT_TYPES[extname(name)] ?? ''],
          ['cache-control', 'no-cache'],
          ...SECURITY,
        ];
        const bytes = readFileSync(new URL(name, FOLDER));
        return [name === ENTRY ? '/' : `/${name}`, { headers, bytes }];
      }),
    );
  }

  /** False: there is no such file. */
  send(exchange: Exchange): boolean {
    const file = this.#files.get(exchange.path);
    if (file === undefined) return false;
    exchange.respond(200, file.headers, file.bytes);
    return true;
  }
}
