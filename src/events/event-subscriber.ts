// The ZMQ sockets of the event thread: subscriptions in both directions, and the replay DEALER.
import { setImmediate } from 'node:timers/promises';
import { Context, Dealer, type Observer, Subscriber } from 'zeromq';
import { ConfigError } from '../errors.js';
import { type EventMessage, PAYLOAD_BYTES_MAX, parseLiveFrames } from './event-frames.js';
import type { ReplaySocket } from './replay-client.js';

export interface MessageHandler {
  message(message: EventMessage): void;
  /** Frames that are no event message. */
  fault(reason: string): void;
}

export interface SubscriptionHandler extends MessageHandler {
  connected(): void;
  disconnected(): void;
  /** Something answers at the address, but it is no publisher. */
  refused(): void;
}

/** Each engine takes a SUB socket, the monitor's pair of sockets and, at times, a DEALER. */
const SOCKETS_PER_ENDPOINT = 5;
/** Socket, mailbox, and the pair that watches the connection. */
const DESCRIPTORS_PER_ENDPOINT = 4;
/** Messages libzmq holds for us per engine. Beyond it libzmq stops reading the connection, so the
 * backlog stays with the publisher, whose own queue is 100,000 long: nothing is lost here. */
const RECEIVE_MARK = 2_000;
/** A replay must be read as fast as it comes: the engine's ROUTER drops what we are too slow for. */
const REPLAY_RECEIVE_MARK = 100_000;
const RECONNECT_MS = 100;
const RECONNECT_MAX_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Pings find peers that vanished without closing the connection. */
const PING_MS = 5_000;
const PING_TIMEOUT_MS = 15_000;
/** libzmq gives a connection up for good when what answers does not speak its protocol, which may
 * only be a stranger at the address of an engine that is being replaced. While it still tries, it
 * says so at least this often. */
const GIVEN_UP_MS = CONNECT_TIMEOUT_MS + 2 * RECONNECT_MAX_MS + 1_000;
const LOOK_AFTER_MS = 2_000;
/** One endpoint's turn: this many messages or this long, whatever comes first. */
const TURN_MESSAGES = 64;
const TURN_MS = 2;

/** The context belongs to this thread: other parts of the process have their own socket limits. */
export function createEventContext(endpointsMax: number): Context {
  const wanted = endpointsMax * SOCKETS_PER_ENDPOINT + 64;
  return new Context({ maxSockets: wanted, blocky: false });
}

export interface Subscription {
  close(): void;
}

/** Subscribes to one engine, all topics, again and again. Throws ConfigError when the address cannot
 * be one. */
export class EngineSubscription implements Subscription {
  readonly #context: Context;
  readonly #address: string;
  readonly #handler: SubscriptionHandler;
  readonly #givenUpMs: number;
  readonly #timer: NodeJS.Timeout;
  #socket: Subscriber;
  #connected = false;
  #lastNewsMs = 0;
  #closed = false;

  constructor(
    context: Context,
    address: string,
    handler: SubscriptionHandler,
    givenUpMs = GIVEN_UP_MS,
  ) {
    this.#context = context;
    this.#address = address;
    this.#handler = handler;
    this.#givenUpMs = givenUpMs;
    this.#socket = this.#open();
    this.#timer = setInterval(() => this.#lookAfter(), Math.min(LOOK_AFTER_MS, givenUpMs));
    this.#timer.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #open(): Subscriber {
    let socket: Subscriber | null = null;
    try {
      socket = new Subscriber({
        ...socketOptions(this.#context, this.#address),
        // Engines of a fleet come back together; their routers should not knock in step.
        reconnectInterval: RECONNECT_MS + Math.floor(Math.random() * RECONNECT_MS),
        reconnectMaxInterval: RECONNECT_MAX_MS,
        connectTimeout: CONNECT_TIMEOUT_MS,
      });
      // The monitor comes first, or the first connection is missed.
      const observer = socket.events;
      socket.subscribe();
      socket.connect(this.#address);
      this.#lastNewsMs = performance.now();
      // Both loops end with the socket; anything else they throw is a bug and ends the thread.
      void readMessages(socket, this.#handler);
      void this.#observe(socket, observer);
      return socket;
    } catch (error) {
      socket?.close();
      throw new ConfigError(`cannot connect to ${this.#address}: ${messageOf(error)}`);
    }
  }

  async #observe(socket: Subscriber, observer: Observer): Promise<void> {
    for await (const { type } of observer) {
      // Comes when the socket is closed; closing the observer under its read would be an error.
      if (type === 'end') break;
      if (this.#closed || socket !== this.#socket) continue;
      this.#lastNewsMs = performance.now();
      if (type === 'handshake') {
        this.#connected = true;
        this.#handler.connected();
      } else if (type === 'disconnect') {
        if (this.#connected) this.#handler.disconnected();
        else this.#handler.refused();
        this.#connected = false;
      }
    }
    observer.close();
  }

  #lookAfter(): void {
    if (this.#connected || performance.now() - this.#lastNewsMs < this.#givenUpMs) return;
    this.#socket.close();
    this.#socket = this.#open();
  }
}

/** Waits for engines to connect to us. */
export class CentralSubscription implements Subscription {
  readonly #socket: Subscriber;

  /** `topicPrefix` selects what engines send. Rejects with ConfigError when it cannot bind. */
  static async bind(
    context: Context,
    address: string,
    topicPrefix: string,
    handler: MessageHandler,
  ): Promise<CentralSubscription> {
    const socket = new Subscriber(socketOptions(context, address));
    try {
      socket.subscribe(topicPrefix);
      await socket.bind(address);
      return new CentralSubscription(socket, handler);
    } catch (error) {
      socket.close();
      throw new ConfigError(`kvEvents.bind: cannot bind ${address}: ${messageOf(error)}`);
    }
  }

  private constructor(socket: Subscriber, handler: MessageHandler) {
    this.#socket = socket;
    void readMessages(socket, handler);
  }

  /** The address bound, with the port the system chose. */
  get address(): string | null {
    return this.#socket.lastEndpoint;
  }

  close(): void {
    if (!this.#socket.closed) this.#socket.close();
  }
}

async function readMessages(socket: Subscriber, handler: MessageHandler): Promise<void> {
  let turnStart = performance.now();
  let messages = 0;
  for await (const frames of socket) {
    // What was read before `close` came is late.
    if (socket.closed) return;
    const message = parseLiveFrames(frames);
    if ('fault' in message) handler.fault(message.fault);
    else handler.message(message);
    messages += 1;
    if (messages < TURN_MESSAGES && performance.now() - turnStart < TURN_MS) continue;
    await setImmediate();
    messages = 0;
    turnStart = performance.now();
  }
}

/** `receive` of it rejects after `idleMs` without a message. Throws when the address cannot be one. */
export function openReplaySocket(context: Context, address: string, idleMs: number): ReplaySocket {
  const socket = new Dealer({
    ...socketOptions(context, address),
    receiveHighWaterMark: REPLAY_RECEIVE_MARK,
    receiveTimeout: idleMs,
    sendTimeout: idleMs,
  });
  try {
    socket.connect(address);
  } catch (error) {
    socket.close();
    throw new ConfigError(`cannot connect to ${address}: ${messageOf(error)}`);
  }
  return {
    send: (frames) => socket.send(frames.map((frame) => Buffer.from(frame))),
    receive: () => socket.receive(),
    close: () => socket.close(),
  };
}

function socketOptions(context: Context, address: string) {
  return {
    context,
    // For names and `*`, which may mean either family; libzmq falls back where there is no IPv6.
    ipv6: !/\/\/\d+\.\d+\.\d+\.\d+:/.test(address),
    linger: 0,
    receiveHighWaterMark: RECEIVE_MARK,
    maxMessageSize: PAYLOAD_BYTES_MAX,
    heartbeatInterval: PING_MS,
    heartbeatTimeout: PING_TIMEOUT_MS,
  };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error)) return error.message;
  switch (error.code) {
    case 'EMFILE':
    case 'ENFILE':
      return (
        `${error.message}: each engine takes ${DESCRIPTORS_PER_ENDPOINT}; ` +
        'raise "ulimit -n" (LimitNOFILE of systemd, nofile of a container)'
      );
    default:
      return error.message;
  }
}
