// What a router that is running can take over of another configuration, and what has to wait for its
// next start.
import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config.js';

export interface ConfigChange {
  /** The new configuration, with the settings that hold from start to end as they were. */
  readonly config: Config;
  /** Keys of what is another now, such as `limits.bodyBytes`. */
  readonly changed: readonly string[];
  /** Keys of what differs and waits for a restart. */
  readonly waiting: readonly string[];
}

export function configChange(before: Config, after: Config): ConfigChange {
  const { host, port, adminHost, adminPort } = before.listen;
  const { eventFrameBytes, decisionsKept } = before.limits;
  const config: Config = {
    ...after,
    listen: {
      ...{ host, port, adminHost, adminPort },
      tls: renewed(before.listen.tls, after.listen.tls),
      adminTls: renewed(before.listen.adminTls, after.listen.adminTls),
    },
    limits: { ...after.limits, eventFrameBytes, decisionsKept },
    timeouts: { ...after.timeouts, connectMs: before.timeouts.connectMs },
    // These are built into threads, sockets and native memory.
    kvEvents: before.kvEvents,
    index: before.index,
    tokenizer: before.tokenizer,
    tls: before.tls,
    peers: before.peers,
    peerLoadMs: before.peerLoadMs,
    stateDir: before.stateDir,
    tracing: before.tracing,
  };
  return { config, changed: differences(before, config), waiting: differences(config, after) };
}

/** A port that speaks TLS can get another certificate, and no port can begin or cease to. */
function renewed<C>(before: C | null, after: C | null): C | null {
  return before === null || after === null ? before : after;
}

/** Sections by their keys, everything in them as a whole: values may be secret. */
function differences(a: Config, b: Config): string[] {
  return keysOf(a, b).flatMap((section) => {
    const [left, right] = [valueAt(a, section), valueAt(b, section)];
    if (isDeepStrictEqual(left, right)) return [];
    if (!isSection(left) || !isSection(right)) return [section];
    return keysOf(left, right)
      .filter((key) => !isDeepStrictEqual(valueAt(left, key), valueAt(right, key)))
      .map((key) => `${section}.${key}`);
  });
}

function keysOf(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(section: object, key: string): unknown {
  return Object.entries(section).find(([name]) => name === key)?.[1];
}
