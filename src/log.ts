// The log: one line an event on standard error, JSON or text; pino's only importer. Standard output
// belongs to the commands.
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'json' | 'text';
export type LogFields = Readonly<Record<string, unknown>>;

interface LogSettings {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

const SETTINGS_KEY = 'warmpath.log';
const STANDARD_ERROR = 2;
/** What may wait for a reader of standard error that is slow or stuck; beyond it lines are dropped,
 * since a router that waits for its log does nothing else. */
const WAITING_BYTES = 8 * 1024 * 1024;

/** Lines are written together, soon: one write a line was most of what a line cost. */
const TOGETHER = { minLength: 8 * 1024, periodicFlush: 50 };

/** On main lines leave behind its back, and what is left when the process ends. Threads say little, and
 * one that is just dying must have said it. */
const destination = pino.destination({
  ...{ fd: STANDARD_ERROR, sync: !isMainThread, maxLength: WAITING_BYTES },
  ...(isMainThread ? TOGETHER : {}),
});

/** The last write failed: the disk is full, or nobody reads the pipe any more. */
let failed = false;
destination.on('error', () => {
  failed = true;
});
destination.on('write', () => {
  failed = false;
});
// Before pino's own, which would try for ever to write what is left.
if (isMainThread) {
  process.prependListener('exit', () => {
    if (failed) destination.destroy();
  });
}

/** A thread starts with the settings of the one that started it. */
let settings: LogSettings = inherited();

const logger = pino(
  {
    level: settings.level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level) => ({ level }) },
  },
  { write: (line) => destination.write(settings.format === 'text' ? asText(line) : line) },
);

export function setLogLevel(level: LogLevel): void {
  configureLog({ ...settings, level });
}

/** Threads started from now on have the same. */
export function configureLog(wanted: LogSettings): void {
  settings = wanted;
  logger.level = wanted.level;
  setEnvironmentData(SETTINGS_KEY, JSON.stringify(wanted));
}

export const log = {
  debug: (message: string, fields: LogFields = {}) => logger.debug(fields, message),
  info: (message: string, fields: LogFields = {}) => logger.info(fields, message),
  warn: (message: string, fields: LogFields = {}) => logger.warn(fields, message),
  error: (message: string, fields: LogFields = {}) => logger.error(fields, message),
  /** Whether a line of that level would be written: for lines that cost something to make. */
  writes: (level: LogLevel) => logger.isLevelEnabled(level),
};

function inherited(): LogSettings {
  const given = getEnvironmentData(SETTINGS_KEY);
  return typeof given === 'string' ? JSON.parse(given) : { level: 'info', format: 'json' };
}

/** `12:30:05.123 WARN endpoint is out endpoint=a reason="connection refused"`, for people. */
function asText(line: string): string {
  const { level, time, message, ...fields }: LogFields = JSON.parse(line);
  const parts = Object.entries(fields).map(([key, value]) => {
    const isPlain = typeof value !== 'object' && /^[\x21-\x7e]+$/.test(String(value));
    return ` ${key}=${isPlain ? String(value) : JSON.stringify(value)}`;
  });
  const clock = String(time).slice(11, 23);
  return `${clock} ${String(level).toUpperCase().padEnd(5)} ${String(message)}${parts.join('')}\n`;
}
