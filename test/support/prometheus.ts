// A real Prometheus and its checker (Debian's package prometheus), for the length of one test.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from '../../src/sim/free-port.js';

const found = (command: string) => spawnSync(command, ['--version']).status === 0;

/** Why they cannot be asked here, for the report; false: they can. */
export const noPrometheus: string | false =
  found('promtool') && found('prometheus')
    ? false
    : 'no prometheus here (apt-get install prometheus)';

/** Complaints about a page in the older text format; empty when there are none. */
export function promtoolComplaints(page: string): string {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: page,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

/** Scrapes `target` (host:port) every second, by default as OpenMetrics. Returns its own URL. */
export async function startPrometheus(context: TestContext, target: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-prometheus-'));
  const config = join(folder, 'prometheus.json');
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'warmpath', static_configs: [{ targets: [target] }] }],
    }),
  );
  const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--enable-feature=exemplar-storage',
    ],
    { stdio: 'ignore' },
  );
  context.after(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  return `http://${address}`;
}
