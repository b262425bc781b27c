// `warmpath sim`: one simulated vLLM engine as a process.
import { log, setLogLevel } from '../log.js';
import { loadPromptEncoder, shippedTokenizer } from '../sim/model-encoder.js';
import { startSimEngine } from '../sim/sim-engine.js';
import { SIM_DEFAULTS, type SimOptions } from '../sim/sim-options.js';
import type { CommandInvocation } from './arguments.js';
import { untilStopped } from './shutdown.js';

/** Serves until SIGTERM or SIGINT. Rejects with ConfigError on a wrong value or a taken address. */
export async function runSim({ flags }: CommandInvocation<'sim'>): Promise<void> {
  setLogLevel(flags['log-level'] ?? 'info');
  const stopped = untilStopped();
  const encoder = await loadPromptEncoder(flags.tokenizer ?? shippedTokenizer());
  const sim = await startSimEngine({ ...optionsOf(flags), encoder });
  const { kvEvents, kvReplay, hashSettings, options } = sim;
  log.info('simulated engine serves', {
    ...{ url: sim.url, model: options.model, timing: options.timing, kvEvents, kvReplay },
    ...{ hashAlgorithm: hashSettings.algorithm, hashRoot: hashSettings.rootName },
  });
  process.stdout.write(`ready ${sim.url}\n`);
  const signal = await stopped;
  const { lag, steps } = sim.stats;
  log.info('simulated engine ends', { signal, steps, lag });
  sim.close();
}

function optionsOf(flags: CommandInvocation<'sim'>['flags']): Omit<SimOptions, 'encoder'> {
  return {
    ...SIM_DEFAULTS,
    host: flags.host,
    port: flags.port,
    model: flags.model,
    loraAdapters: flags.lora?.split(',').filter((name) => name !== '') ?? [],
    maxModelLen: flags['max-model-len'],
    kvEvents: flags['kv-events'],
    kvReplay: flags['kv-replay'],
    topic: flags.topic ?? '',
    eventSchema: flags['event-schema'],
    hashesAsBytes: flags['raw-hashes'],
    bufferSteps: flags['buffer-steps'],
    dataParallelSize: flags['data-parallel-size'],
    dataParallelRank: flags['data-parallel-rank'],
    blockSizeTokens: flags['block-size'],
    hashAlgorithm: flags['hash-algo'],
    hashSeed: flags['hash-seed'],
    extraKeyProfile: flags['hash-profile'],
    kvTokens: flags['kv-tokens'],
    timing: flags.timing ?? SIM_DEFAULTS.timing,
    speedup: flags.speedup,
    maxNumSeqs: flags['max-num-seqs'],
    maxNumBatchedTokens: flags['max-num-batched-tokens'],
    apiKey: flags['api-key'],
    devRoutes: flags['dev-routes'],
    metricNames: flags['metric-names'],
  };
}
