import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ConfigReloader } from '../../src/cli/config-reloader.js';
import { type Config, loadConfig } from '../../src/config/config.js';
import { log } from '../../src/log.js';
import { createMetrics } from '../../src/metrics.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { waitFor } from '../support/wait-for.js';

const withKeys = (keysFile: string, more = {}) =>
  JSON.stringify({
    models: [{ name: 'm', tokenizer: 'engine', endpoints: { static: [{ url: 'http://h:1' }] } }],
    access: { keysFile },
    ...more,
  });

function stage(context: TestContext) {
  // The refusals below are meant.
  for (const level of ['info', 'error'] as const) context.mock.method(log, level, () => {});
  const folder = temporaryFolder();
  const write = (name: string, text: string) => {
    // Whole at once, so that nobody reads half of it.
    writeFileSync(join(folder, 'new'), text);
    renameSync(join(folder, 'new'), join(folder, name));
  };
  write('keys', 'one:'.padEnd(68, '0'));
  write('config.yaml', withKeys('keys'));
  const metrics = createMetrics();
  const configs: Config[] = [];
  const load = () => loadConfig(join(folder, 'config.yaml'));
  const change = async (config: Config) => {
    configs.push(config);
    return { changed: ['something'], waiting: [] };
  };
  const parts = { load, change, metrics, lookEveryMs: 5 };
  const reloader = new ConfigReloader(load(), parts);
  context.after(() => reloader.close());
  const count = (result: string) => metrics.configReloads.at({ result }).value;
  const isRefused = () =>
    /^warmpath_config_refused 1$/m.test(metrics.registry.page(undefined).text);
  return { folder, write, configs, count, isRefused, reloader };
}

test('a changed file is taken over, also one that the configuration only names', async (context) => {
  const { write, configs, reloader } = stage(context);
  write('keys', 'two:'.padEnd(68, '0'));
  await waitFor('the new key', () => configs.length === 1);
  assert.equal(reloader.config.access.keys?.[0]?.name, 'two');
  write('config.yaml', withKeys('keys', { devRoutes: true }));
  await waitFor('the new switch', () => configs.length === 2);
  assert.equal(reloader.config.devRoutes, true);
});

test('a bad file is refused once, and the next good one is taken over', async (context) => {
  const { write, configs, count, isRefused, reloader } = stage(context);
  write('config.yaml', '{"models": [');
  await waitFor('the refusal', isRefused);
  await reloader.reload();
  assert.equal(count('refused'), 1);
  assert.equal(reloader.config.access.keys?.[0]?.name, 'one');
  write('config.yaml', withKeys('keys'));
  await waitFor('the recovery', () => configs.length > 0 && !isRefused());
});

test('a file that a refused configuration names is waited for', async (context) => {
  const { folder, write, configs, isRefused, reloader } = stage(context);
  write('config.yaml', withKeys('later'));
  await waitFor('the refusal', isRefused);
  write('later', 'three:'.padEnd(70, '0'));
  await waitFor('the new file', () => configs.length === 1);
  assert.equal(reloader.config.access.keys?.[0]?.name, 'three');
  rmSync(join(folder, 'later'));
  await waitFor('the refusal', isRefused);
  assert.equal(reloader.config.access.keys?.[0]?.name, 'three');
});
