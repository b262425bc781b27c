// `warmpath serve`: the router, until it is told to stop.
import { log, setLogLevel } from '../log.js';
import { assemble } from './assembly.js';
import { loadConfig } from './config-source.js';
import { untilStopped } from './shutdown.js';

export async function serve(args: readonly string[]): Promise<void> {
  const config = loadConfig(args);
  setLogLevel(config.logLevel);
  for (const warning of config.warnings) log.warn(warning);
  for (const line of config.scheduling.mapped) log.info(`scheduling: ${line}`);
  for (const problem of config.scheduling.problems) log.warn(`scheduling: ${problem}`);
  const stopped = untilStopped();
  const assembly = await assemble(config);
  try {
    const { url, adminUrl } = await assembly.listen();
    process.stdout.write(`ready ${url}\n`);
    log.info('listening', { url, adminUrl });
    log.info('stopping', { signal: await stopped });
  } finally {
    await assembly.close(config.timeouts.drainMs);
  }
}
