// The router goes on, and ends in order, where its log cannot be written.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/sim/free-port.js';
import { QUICK_TOKENIZER, TEST_MODEL } from '../support/router.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { waitFor } from '../support/wait-for.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

async function start(context: TestContext, output: number | 'pipe') {
  const [port, adminPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  const endpoints = { static: [{ url: 'http://127.0.0.1:9' }] };
  const file = join(temporaryFolder(), 'warmpath.yaml');
  const config = {
    listen: { host: '127.0.0.1', port, adminPort },
    models: [{ name: TEST_MODEL, ...QUICK_TOKENIZER.model, endpoints }],
    tokenizer: { threads: 1 },
  };
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', file], {
    stdio: ['ignore', output, output],
  });
  context.after(() => child.kill('SIGKILL'));
  const answers = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`).catch(() => null);
    return answer?.status === 200;
  };
  return { child, answers };
}

for (const [what, open] of [
  ['nobody reads its log', (): 'pipe' => 'pipe'],
  ['the disk of its log is full', () => openSync('/dev/full', 'w')],
] as const) {
  test(`where ${what}, a router serves and ends with SIGTERM`, async (context) => {
    const output = open();
    const { child, answers } = await start(context, output);
    if (output === 'pipe') {
      child.stdout?.destroy();
      child.stderr?.destroy();
    } else {
      closeSync(output);
    }
    await waitFor('a page of the admin port', () => answers('/livez'));
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });
}
