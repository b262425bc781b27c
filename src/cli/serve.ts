// `warmpath serve`: the router, until it is told to stop.
import { type Config, loadConfig } from '../config/config.js';
import { configureLog, log } from '../log.js';
import type { CommandInvocation } from './arguments.js';
import { assemble } from './assembly.js';
import { ConfigReloader } from './config-reloader.js';
import { untilStopped } from './shutdown.js';

export async function serve({ flags, warnings }: CommandInvocation<'serve'>): Promise<void> {
  const overrides = {
    host: flags.host,
    port: flags.port,
    adminHost: flags['admin-host'],
    apiKey: flags['api-key'],
    adminKey: flags['admin-key'],
    adminPort: flags['admin-port'],
    eppFile: flags['config-file'],
    eppText: flags['config-text'],
    logLevel: flags['log-level'],
    stateDir: flags['state-dir'],
  };
  const load = () => loadConfig(flags.config, overrides);
  const loaded = load();
  const { config } = loaded;
  configureLog(config.log);
  for (const warning of [...warnings, ...loaded.warnings]) log.warn(warning);
  for (const line of config.scheduling.mapped) log.info(`scheduling: ${line}`);
  const stopped = untilStopped();
  const assembly = await assemble(config);
  const { metrics } = assembly;
  const change = (next: Config) => assembly.change(next);
  const reloader = new ConfigReloader(loaded, { load, change, metrics });
  process.on('SIGHUP', () => void reloader.reload());
  try {
    const { url, adminUrl } = await assembly.listen();
    process.stdout.write(`ready ${url}\n`);
    log.info('listening', { url, adminUrl, adminAddress: config.listen.adminHost });
    log.info('stopping', { signal: await stopped });
  } finally {
    reloader.close();
    await assembly.close(reloader.config.timeouts.drainMs);
  }
}
