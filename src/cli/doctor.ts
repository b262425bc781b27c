// `warmpath doctor`: looks at a live fleet and names each misconfiguration with its cure.
import { type Config, loadConfig, NO_OVERRIDES } from '../config/config.js';
import { diagnose } from '../doctor/diagnosis.js';
import type { Finding } from '../doctor/finding.js';
import { findingTable } from '../doctor/finding-table.js';
import { surveyFleet } from '../doctor/surveyor.js';
import { ConfigError } from '../errors.js';
import { setLogLevel } from '../log.js';
import type { CommandInvocation } from './arguments.js';
import { type Assembly, assemble } from './assembly.js';

export async function doctor({ flags, warnings }: CommandInvocation<'doctor'>): Promise<void> {
  const overrides = {
    ...NO_OVERRIDES,
    eppFile: flags['config-file'],
    eppText: flags['config-text'],
  };
  const loaded = loadConfig(flags.config, overrides);
  for (const text of [...warnings, ...loaded.warnings]) process.stderr.write(`warmpath: ${text}\n`);
  setLogLevel('error');
  const findings = await examineFleet(loaded.config, !flags['no-probe']);
  const ok = findings.every(({ status }) => status !== 'wrong');
  const text = flags.json ? JSON.stringify({ ok, findings }, null, 2) : findingTable(findings);
  process.stdout.write(`${text}\n`);
  if (!ok) process.exitCode = 1;
}

/** `probes`: whether each engine is sent a tiny request. */
export async function examineFleet(config: Config, probes: boolean): Promise<Finding[]> {
  // All topics, also those that the router would not subscribe to: they may be mistakes.
  const listening = { ...config, kvEvents: { ...config.kvEvents, topicPrefix: '' } };
  try {
    const { assembly, bindFailure } = await assembleAnyway(listening);
    try {
      const { fleet, matcher, index, unknownTopics, discovery } = assembly;
      const topics = () => [...unknownTopics];
      const parts = {
        config: listening,
        fleet,
        matcher,
        index,
        unknownTopics: topics,
        sources: () => discovery.states,
        bindFailure,
        probes,
      };
      return diagnose(await surveyFleet(parts));
    } finally {
      await assembly.close(0);
    }
  } catch (failure) {
    if (!(failure instanceof ConfigError)) throw failure;
    const cure = 'correct the configuration: the router cannot start with it';
    const { message } = failure;
    return [{ endpoint: null, check: 'configuration', status: 'wrong', message, cure }];
  }
}

/** Without the address that engines connect to when it cannot be had: the rest can be looked at. */
async function assembleAnyway(
  config: Config,
): Promise<{ readonly assembly: Assembly; readonly bindFailure: string | null }> {
  try {
    return { assembly: await assemble(config), bindFailure: null };
  } catch (failure) {
    const isBind = failure instanceof ConfigError && failure.message.startsWith('kvEvents.bind');
    if (!isBind) throw failure;
    const unbound = { ...config, kvEvents: { ...config.kvEvents, bind: null } };
    return { assembly: await assemble(unbound), bindFailure: failure.message };
  }
}
