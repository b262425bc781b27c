// How an engine's event sockets are reached, and whether its replay answers.
import type { EndpointConfig } from '../config/config.js';
import { decodeBatch } from '../events/event-decoder.js';
import { createEventContext, openReplaySocket } from '../events/event-subscriber.js';
import { MsgpackError } from '../events/msgpack-walker.js';
import { requestReplay } from '../events/replay-client.js';
import { awaitPublisher, isPublisher, peekAt, type ZmtpPeer } from './zmtp-peek.js';

/** vLLM's default, besides the one we bind. */
const DEFAULT_EVENT_PORT = 5557;
/** A publisher that connects tries again every 100 ms. */
const AWAIT_MS = 1500;

export interface SocketFacts {
  readonly publisher: ZmtpPeer | null;
  readonly replay: ZmtpPeer | null;
}

export async function surveySockets(
  { kvEvents, kvReplay }: EndpointConfig,
  timeoutMs: number,
): Promise<SocketFacts> {
  const peek = (address: string | null) => (address === null ? null : peekAt(address, timeoutMs));
  const [publisher, replay] = await Promise.all([peek(kvEvents), peek(kvReplay)]);
  return { publisher, replay };
}

/** Ports of this machine, out of `ports`, that a publisher connects to. */
export async function portsThatMeetPublishers(
  ports: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const met = await Promise.all(
    [...ports].map(async (port) => ((await awaitPublisher(port, AWAIT_MS)) === null ? [] : [port])),
  );
  return new Set(met.flat());
}

/** Where on the engine's host a publisher waits for connections; null: nowhere likely. */
export async function waitingPublisher(
  { url, dataParallelRank }: EndpointConfig,
  bind: string,
  timeoutMs: number,
): Promise<string | null> {
  const { hostname } = new URL(url);
  const rank = dataParallelRank ?? 0;
  const ports = new Set([DEFAULT_EVENT_PORT + rank, (portOf(bind) ?? DEFAULT_EVENT_PORT) + rank]);
  for (const port of ports) {
    const address = `tcp://${hostname}:${port}`;
    const peer = await peekAt(address, timeoutMs);
    if (isPublisher(peer)) return address;
  }
  return null;
}

export function portOf(address: string): number | null {
  const port = /^tcp:.*:(\d+)$/.exec(address)?.[1];
  return port === undefined ? null : Number(port);
}

/** Asks for what follows the newest batch, which is the end of the replay alone. */
export async function replayAnswers(address: string, timeoutMs: number): Promise<boolean> {
  const socket = openReplaySocket(createEventContext(1), address, timeoutMs);
  const end = await requestReplay(socket, Number.MAX_SAFE_INTEGER, () => true);
  return end === 'complete';
}

/** Whether a replay tells of this prompt. Null: it broke off before it did. */
export async function replayHas(
  address: string,
  prompt: Uint32Array,
  timeoutMs: number,
): Promise<boolean | null> {
  const socket = openReplaySocket(createEventContext(1), address, timeoutMs);
  let found = false;
  const end = await requestReplay(socket, 0, (_, payload) => {
    found = announcedBlocks(payload).some((block) => startsWith(prompt, block));
    return !found;
  });
  return end === 'complete' ? found : null;
}

/** Tokens of each run of blocks that a batch tells of; none of a batch that cannot be read. */
export function announcedBlocks(payload: Uint8Array): readonly Uint32Array[] {
  try {
    return decodeBatch(payload).events.flatMap((event) =>
      event.type === 'BlockStored' && event.tokenIds.length > 0 ? [event.tokenIds] : [],
    );
  } catch (error) {
    if (error instanceof MsgpackError) return [];
    throw error;
  }
}

export function startsWith(prompt: Uint32Array, block: Uint32Array): boolean {
  return block.every((token, i) => token === prompt[i]);
}
