// W2, W3 and whatever trace a user brings.
import { basename } from 'node:path';
import { type EngineGroup, STANDARD_ENGINES, type Workload } from '../workload.js';
import { readTrace } from './trace-file.js';

export interface Replay {
  readonly file: string;
  /** Recorded time runs faster by this; in a closed loop only the starts of sessions do. */
  readonly timeScale: number;
  readonly closed: boolean;
  /** Longest think time; null: as recorded. */
  readonly thinkMaxSeconds?: number;
  /** All sessions begin together, this many of them. */
  readonly concurrentSessions?: number;
  readonly engines?: readonly EngineGroup[];
}

/** Throws ConfigError when the file cannot be read, or is to be replayed in a closed loop and names no
 * sessions. */
export function recorded(name: string, about: string, replay: Replay): Workload {
  const { timeScale, closed, thinkMaxSeconds = Number.POSITIVE_INFINITY } = replay;
  const { requests, idTokens, hasSessions, source } = readTrace(replay.file);
  const sessions = replay.concurrentSessions ?? Number.POSITIVE_INFINITY;
  return {
    name,
    about: `${about} (trace: ${source})`,
    requests: requests
      .filter(({ session }) => session === null || session < sessions)
      .map((request) => ({
        ...request,
        atUs: Number.isFinite(sessions) ? 0 : request.atUs / timeScale,
        thinkUs: Math.min(request.thinkUs, thinkMaxSeconds * 1e6),
      })),
    idTokens,
    closed: closed && hasSessions,
    engines: replay.engines ?? STANDARD_ENGINES,
    generatedBlocks: 'discarded',
  };
}

/** `mooncake_conversation` of `/some/where/mooncake_conversation.runs.jsonl.gz`. */
export function traceName(file: string): string {
  return basename(file).split('.')[0] ?? file;
}
