// Head and tail of a snapshot, and reading them: they come from files and from other processes.
import type {
  EndpointPosition,
  SnapshotEndpoint,
  StreamPosition,
} from '../events/snapshot-messages.js';
import { HASH_ALGORITHMS, native } from '../native.js';
import { EXTRA_KEY_PROFILES, type HashSettings } from '../prefix/hash-settings.js';
import { SnapshotError } from './snapshot-error.js';

export interface SnapshotHead {
  /** Version of the router that wrote it, for people. */
  readonly software: string;
  /** Unix time. */
  readonly writtenMs: number;
  /** In the index as it began; about as many follow. */
  readonly blocks: number;
  readonly endpoints: readonly SnapshotEndpoint[];
}

export interface SnapshotTail {
  /** By slot of the process that wrote it. */
  readonly endpoints: readonly EndpointPosition[];
}

/** Throws a SnapshotError that names the field which is not what it must be. */
export function readHead(body: Buffer): SnapshotHead {
  const head = record(parsed(body, 'the head'), 'the head');
  return {
    software: text(head['software'], 'software'),
    writtenMs: number(head['writtenMs'], 'writtenMs'),
    blocks: number(head['blocks'], 'blocks'),
    endpoints: list(head['endpoints'], 'endpoints').map((value) => {
      const endpoint = record(value, 'endpoint');
      return { slot: slotOf(endpoint['slot']), key: text(endpoint['key'], 'key') };
    }),
  };
}

/** As readHead. */
export function readTail(body: Buffer): SnapshotTail {
  const tail = record(parsed(body, 'the tail'), 'the tail');
  return {
    endpoints: list(tail['endpoints'], 'endpoints').map((value) => {
      const endpoint = record(value, 'endpoint');
      return {
        slot: slotOf(endpoint['slot']),
        settings: settingsOf(record(endpoint['settings'], 'settings')),
        groups: list(endpoint['groups'], 'groups').map((word) => number(word, 'groups')),
        streams: list(endpoint['streams'], 'streams').map(positionOf),
      };
    }),
  };
}

function positionOf(value: unknown): StreamPosition {
  const stream = record(value, 'stream');
  return {
    publisher: number(stream['publisher'], 'publisher'),
    sequence: number(stream['sequence'], 'sequence'),
    ts: number(stream['ts'], 'ts'),
  };
}

function settingsOf(settings: Readonly<Record<string, unknown>>): HashSettings {
  const algorithm = HASH_ALGORITHMS.find((known) => known === settings['algorithm']);
  const profile = EXTRA_KEY_PROFILES.find((known) => known === settings['profile']);
  const rootHex = text(settings['rootHex'], 'rootHex');
  if (algorithm === undefined) throw wrong('algorithm');
  if (profile === undefined) throw wrong('profile');
  if (!/^([0-9a-f]{16}){1,4}$/.test(rootHex)) throw wrong('rootHex');
  const unit = settings['hashUnitTokens'];
  return {
    ...{ algorithm, profile, rootHex, rootName: text(settings['rootName'], 'rootName') },
    blockSizeTokens: number(settings['blockSizeTokens'], 'blockSizeTokens'),
    ...(unit === undefined ? {} : { hashUnitTokens: number(unit, 'hashUnitTokens') }),
  };
}

function parsed(body: Buffer, what: string): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new SnapshotError(`${what} is not JSON`);
  }
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw wrong(what);
  return Object.fromEntries(Object.entries(value));
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(what);
  return value;
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw wrong(what);
  return value;
}

function number(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw wrong(what);
  return value;
}

function slotOf(value: unknown): number {
  const slot = number(value, 'slot');
  if (!Number.isInteger(slot) || slot >= native.maxEndpoints) throw wrong('slot');
  return slot;
}

function wrong(field: string): SnapshotError {
  return new SnapshotError(`its field ${field} is not what it must be`);
}
