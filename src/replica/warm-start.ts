// Where a router that starts gets its prefix index from: a peer that is ready, else the file that it
// wrote when it stopped, else nothing. Engines then replay what came since.
import type { EventSource } from '../events/event-messages.js';
import type { EventThread } from '../events/event-thread.js';
import { log } from '../log.js';
import type { PeerClient } from './peer-client.js';
import type { PeerList } from './peer-list.js';
import { takeSnapshot } from './snapshot-reader.js';
import type { StateFile } from './state-file.js';

export interface WarmStart {
  readonly thread: Pick<EventThread, 'import'>;
  readonly sources: readonly EventSource[];
  readonly peers: PeerList;
  readonly client: PeerClient;
  /** null: none is kept. */
  readonly file: StateFile | null;
}

/** For all peers together; requests can be served cold meanwhile by others only. */
const PEERS_MS = 20_000;

/** Never rejects; the log says what came of it. */
export async function warmStart(start: WarmStart): Promise<void> {
  const { thread, sources, peers, client, file } = start;
  if (peers.isEmpty && file === null) return;
  const take = async (from: string, open: () => Promise<AsyncIterable<Uint8Array>>) => {
    const begunMs = performance.now();
    try {
      const taken = await takeSnapshot(await open(), thread, sources);
      const { endpoints, software, writtenMs } = taken;
      log.info('prefix index taken over', {
        ...{ from, endpoints, software },
        ageSeconds: Math.round((Date.now() - writtenMs) / 1000),
        milliseconds: Math.round(performance.now() - begunMs),
      });
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn('prefix index not taken over', { from, reason });
      return false;
    }
  };
  const deadline = AbortSignal.timeout(PEERS_MS);
  for (const peer of await peers.resolve()) {
    if (deadline.aborted) break;
    if (await take(peer.url, () => client.snapshot(peer, deadline))) return;
  }
  if (file?.exists === true && (await take(file.path, async () => file.read()))) return;
  log.info('cold start: the prefix index begins empty');
}
