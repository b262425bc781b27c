// `warmpath demo`: three simulated engines and the router, in one process.
import { type Config, parseConfig } from '../config/config.js';
import { SEED_PLAN } from '../config/scheduling-plan.js';
import { setLogLevel } from '../log.js';
import { startSimFleet } from '../sim/fleet.js';
import { loadPromptEncoder, shippedTokenizer } from '../sim/model-encoder.js';
import type { SimEngine } from '../sim/sim-engine.js';
import { SIM_DEFAULTS } from '../sim/sim-options.js';
import type { CommandInvocation } from './arguments.js';
import { assemble } from './assembly.js';
import { DemoPanel } from './demo-panel.js';
import { type DemoAnswer, DemoTraffic } from './demo-traffic.js';
import { untilStopped } from './shutdown.js';

/** The demo is stopped by hand; nobody wants to wait for a long answer then. */
const DRAIN_MS = 2000;
/** Small enough that one engine cannot keep the prefixes of all the demo's chats, as in a real fleet. */
const TRAFFIC_KV_TOKENS = 131_072;

export async function demo({ flags }: CommandInvocation<'demo'>): Promise<void> {
  setLogLevel(flags['log-level'] ?? 'warn');
  const stopped = untilStopped();
  const tokenizer = flags.tokenizer ?? shippedTokenizer();
  process.stderr.write('warmpath: loading the tokenizer and starting the engines\n');
  const engines = await startSimFleet(flags.engines, {
    encoder: await loadPromptEncoder(tokenizer),
    model: flags.model,
    blockSizeTokens: flags['block-size'],
    hashAlgorithm: flags['hash-algo'],
    hashSeed: flags['hash-seed'],
    kvTokens: flags['kv-tokens'] ?? (flags.traffic === 'on' ? TRAFFIC_KV_TOKENS : null),
    timing: flags.timing ?? SIM_DEFAULTS.timing,
    speedup: flags.speedup,
  });
  try {
    const config = demoConfig(tokenizer, engines, flags);
    const panel = new DemoPanel(SEED_PLAN);
    const assembly = await assemble(config, { scheduler: panel.scheduler, demo: panel });
    let traffic: DemoTraffic | null = null;
    try {
      const { url, adminUrl } = await assembly.listen();
      const onAnswer = (answer: DemoAnswer) => panel.noteAnswer(answer);
      traffic = new DemoTraffic({ url, model: flags.model, onAnswer });
      panel.drive(traffic);
      if (flags.traffic === 'on') traffic.start();
      process.stdout.write(`ready ${url}\n`);
      process.stderr.write(introduction(url, adminUrl, engines, flags.model));
      await stopped;
    } finally {
      traffic?.stop();
      await assembly.close(DRAIN_MS);
    }
  } finally {
    for (const engine of engines) engine.close();
  }
}

function demoConfig(
  tokenizer: string,
  engines: readonly SimEngine[],
  flags: CommandInvocation<'demo'>['flags'],
): Config {
  const config = {
    listen: {
      host: '127.0.0.1',
      port: flags.port,
      adminHost: '127.0.0.1',
      adminPort: flags['admin-port'],
    },
    models: [
      {
        name: flags.model,
        tokenizer,
        endpoints: {
          static: engines.map(({ url, kvEvents, kvReplay }, i) => {
            return { name: `engine-${i + 1}`, url, kvEvents, kvReplay };
          }),
        },
      },
    ],
  };
  return parseConfig(JSON.stringify(config), 'demo').config;
}

function introduction(
  url: string,
  adminUrl: string,
  engines: readonly SimEngine[],
  model: string,
): string {
  const prompt = 'You are a patient teacher of navigation. '.repeat(12).trim();
  const messages = [
    { role: 'system', content: prompt },
    { role: 'user', content: 'What is a bearing?' },
  ];
  const body = JSON.stringify({ model, max_tokens: 16, messages });
  return `
  Warmpath, with ${engines.length} simulated engines: ${engines.map((engine) => engine.url).join(' ')}

  API     ${url}/v1
  Page    ${adminUrl}/   see where requests go, and why

  Send this twice: x-warmpath-matched-tokens equals usage.prompt_tokens_details.cached_tokens.

  curl -si ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'

  Ctrl-C stops everything.

`;
}
