// Finds out what kind of ZMQ socket is at the other end of a TCP connection, by greeting it (ZMTP 3.0,
// https://rfc.zeromq.org/spec/23): libzmq itself only says that a connection does not come about.
import { createServer, connect as open, type Socket } from 'node:net';

export type ZmtpPeer =
  /** Type as the peer names it: PUB, XPUB, ROUTER, SUB, ... */
  | { readonly kind: 'socket'; readonly type: string }
  /** Nobody listens there, or no route leads there. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** Something listens that does not speak ZMQ, or not without a key. */
  | { readonly kind: 'foreign'; readonly reason: string };

const GREETING_BYTES = 64;
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;
/** More than any READY command has. */
const ANSWER_BYTES_MAX = 4096;
/** Bit 1 of a frame's flags: its length has 8 bytes. */
const LONG = 0x02;
const COMMAND = 0x04;

/** Connects to a `tcp://` or `ipc://` address. Never rejects. */
export function peekAt(address: string, timeoutMs: number): Promise<ZmtpPeer> {
  const tcp = /^tcp:\/\/(.+):(\d+)$/.exec(address);
  const ipc = /^ipc:\/\/(.+)$/.exec(address);
  if (tcp === null && ipc === null) {
    return Promise.resolve({ kind: 'unreachable', reason: `${address} cannot be looked at` });
  }
  const host = (tcp?.[1] ?? '').replace(/^\[|\]$/g, '');
  const socket =
    ipc === null ? open({ host, port: Number(tcp?.[2]) }) : open({ path: ipc[1] ?? '' });
  return peek(socket, timeoutMs);
}

/** Listens on a port for a ZMQ publisher that connects to us; null: none came. Never rejects. */
export function awaitPublisher(port: number, timeoutMs: number): Promise<ZmtpPeer | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      void peek(socket, timeoutMs).then((peer) => {
        // Our own subscriber tries the same address, and may be the first.
        if (isPublisher(peer)) end(peer);
      });
    });
    const end = (peer: ZmtpPeer | null) => {
      clearTimeout(timer);
      server.close();
      resolve(peer);
    };
    const timer = setTimeout(() => end(null), timeoutMs);
    // Somebody here has the port already: then no engine can be meant to connect to it.
    server.on('error', () => end(null));
    server.listen(port);
  });
}

export function isPublisher(peer: ZmtpPeer): boolean {
  return peer.kind === 'socket' && (peer.type === 'PUB' || peer.type === 'XPUB');
}

function peek(socket: Socket, timeoutMs: number): Promise<ZmtpPeer> {
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    let connected = socket.readyState === 'open';
    let readySent = false;
    const end = (peer: ZmtpPeer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(peer);
    };
    const giveUp = (reason: string) =>
      end(connected ? { kind: 'foreign', reason } : { kind: 'unreachable', reason });
    const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs} ms`), timeoutMs);
    const greet = () => {
      connected = true;
      socket.write(greeting());
    };
    if (connected) greet();
    else socket.once('connect', greet);
    socket.on('error', (error) => giveUp(error.message));
    socket.on('close', () => giveUp('it closes the connection'));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const judged = judge(received);
      if (judged === 'greeted' && !readySent) {
        readySent = true;
        socket.write(ready('SUB'));
      } else if (typeof judged === 'object') end(judged);
      else if (received.length > ANSWER_BYTES_MAX) giveUp('its answer is no ZMQ greeting');
    });
  });
}

/** `greeted`: the greeting is whole, the READY command is not. */
function judge(received: Buffer): ZmtpPeer | 'incomplete' | 'greeted' {
  if (received.length > 0 && received[0] !== 0xff) {
    return { kind: 'foreign', reason: 'its answer is no ZMQ greeting' };
  }
  if (received.length < GREETING_BYTES) return 'incomplete';
  const mechanism = text(received.subarray(MECHANISM_AT, MECHANISM_AT + MECHANISM_BYTES));
  if (mechanism !== 'NULL') {
    return {
      kind: 'foreign',
      reason: `it wants ZMQ security ${mechanism}, which is not supported`,
    };
  }
  const type = socketType(received.subarray(GREETING_BYTES));
  return type === null ? 'greeted' : { kind: 'socket', type };
}

/** The `Socket-Type` of a READY command; null while it is incomplete. */
function socketType(bytes: Buffer): string | null {
  const flags = bytes[0] ?? 0;
  const head = (flags & LONG) === 0 ? 2 : 9;
  if (bytes.length < head) return null;
  const length = head === 2 ? (bytes[1] ?? 0) : Number(bytes.readBigUInt64BE(1));
  if (bytes.length < head + length) return null;
  const body = bytes.subarray(head, head + length);
  // A command begins with its name's length and name; properties follow.
  let at = 1 + (body[0] ?? 0);
  while (at < body.length) {
    const nameEnd = at + 1 + (body[at] ?? 0);
    const name = text(body.subarray(at + 1, nameEnd));
    if (nameEnd + 4 > body.length) break;
    const valueEnd = nameEnd + 4 + body.readUInt32BE(nameEnd);
    if (name.toLowerCase() === 'socket-type') return text(body.subarray(nameEnd + 4, valueEnd));
    at = valueEnd;
  }
  return 'unknown';
}

function greeting(): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  // Version 3.0.
  bytes[10] = 3;
  bytes.write('NULL', MECHANISM_AT, 'latin1');
  return bytes;
}

function ready(type: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(type.length);
  const property = [Buffer.from('\x0bSocket-Type'), size, Buffer.from(type)];
  const body = Buffer.concat([Buffer.from('\x05READY'), ...property]);
  return Buffer.concat([Buffer.from([COMMAND, body.length]), body]);
}

function text(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/\0+$/, '');
}
