// One JSON line per event on standard error. Standard output belongs to the commands.
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const THRESHOLD_KEY = 'warmpath.logThreshold';
/** A thread starts with the level of the one that started it. */
let threshold = Number(getEnvironmentData(THRESHOLD_KEY) ?? 1);

export function setLogLevel(level: LogLevel): void {
  threshold = LEVELS.indexOf(level);
  setEnvironmentData(THRESHOLD_KEY, threshold);
}

function write(level: LogLevel, message: string, fields: LogFields): void {
  if (LEVELS.indexOf(level) < threshold) return;
  const line = JSON.stringify({ time: new Date().toISOString(), level, message, ...fields });
  process.stderr.write(`${line}\n`);
}

export const log = {
  debug: (message: string, fields: LogFields = {}) => write('debug', message, fields),
  info: (message: string, fields: LogFields = {}) => write('info', message, fields),
  warn: (message: string, fields: LogFields = {}) => write('warn', message, fields),
  error: (message: string, fields: LogFields = {}) => write('error', message, fields),
};
