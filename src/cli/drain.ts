// The end of a server that lets its clients go in peace.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpServer } from '../http/server.js';
import { log } from '../log.js';

/** How often a drain looks whether the last request has ended. */
const LOOK_MS = 20;

/** A client whose connection is idle when the drain begins may just be sending its next request, and
 * would lose it if the connection were closed under it. Given this long, it is told to close by its
 * next answer instead. */
const LINGER_MS = 1000;

/** Resolves when no request is in flight and no client is left that could be sending one, at most
 * `graceMs` after the server has stopped accepting. */
export async function drained(server: HttpServer, graceMs: number): Promise<void> {
  const start = performance.now();
  const passedMs = () => performance.now() - start;
  const lingers = () => passedMs() < LINGER_MS && server.openConnections > 0;
  while ((server.openExchanges > 0 || lingers()) && passedMs() < graceMs) await delay(LOOK_MS);
  if (server.openExchanges > 0) {
    log.warn('requests cut at the end of the drain', { requests: server.openExchanges });
  }
}
