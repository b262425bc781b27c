// Where the configuration of `serve` and `explain` comes from: file, flags, environment. The only
// reader of process.env.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Config, parseConfig } from '../config/config.js';
import { parseEppText } from '../config/epp-config.js';
import { ConfigError } from '../errors.js';

/** Each flag is also an environment variable: `--admin-port` is WARMPATH_ADMIN_PORT. */
const FLAGS = ['config', 'port', 'admin-port', 'config-file', 'config-text'] as const;
type Flag = (typeof FLAGS)[number];

export function loadConfig(args: readonly string[]): Config {
  const flags = readFlags(args);
  const file = flags.config;
  if (file === undefined) {
    throw new ConfigError('--config FILE is missing (or WARMPATH_CONFIG): the router needs models');
  }
  const config = parseConfig(readText(file), file, readText);
  const { listen } = config;
  return {
    ...config,
    listen: {
      ...listen,
      port: portFlag(flags, 'port') ?? listen.port,
      adminPort: portFlag(flags, 'admin-port') ?? listen.adminPort,
    },
    scheduling: schedulingFlag(flags) ?? config.scheduling,
  };
}

function readFlags(args: readonly string[]): Partial<Record<Flag, string>> {
  const options = Object.fromEntries(FLAGS.map((flag) => [flag, { type: 'string' as const }]));
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw new ConfigError(`${reason}; known flags: ${FLAGS.map((flag) => `--${flag}`).join(' ')}`);
  }
  const found: Partial<Record<Flag, string>> = {};
  for (const flag of FLAGS) {
    const variable = `WARMPATH_${flag.replaceAll('-', '_').toUpperCase()}`;
    const value = values[flag] ?? process.env[variable];
    if (typeof value === 'string') found[flag] = value;
  }
  return found;
}

function portFlag(flags: Partial<Record<Flag, string>>, flag: Flag): number | null {
  const text = flags[flag];
  if (text === undefined) return null;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new ConfigError(`--${flag}: ${JSON.stringify(text)} is not a port (0 to 65535)`);
  }
  return Number(text);
}

function schedulingFlag(flags: Partial<Record<Flag, string>>) {
  const { 'config-text': text, 'config-file': file } = flags;
  if (text !== undefined) return parseEppText(text, '--config-text');
  return file === undefined ? null : parseEppText(readText(file), file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (failure) {
    throw new ConfigError(
      `cannot read ${file}: ${failure instanceof Error ? failure.message : failure}`,
    );
  }
}
