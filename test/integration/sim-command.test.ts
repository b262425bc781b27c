// `warmpath sim` as a process of its own.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { get, post } from '../support/openai-client.js';

const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));

function spawnSim(context: TestContext, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [main, 'sim', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

async function exitOf(child: ChildProcess): Promise<{ code: number | null; errors: string }> {
  let errors = '';
  child.stderr?.on('data', (text) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { code, errors };
}

/** URL of the `ready` line. */
async function readyUrl(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) {
    assert.match(line, /^ready http:/);
    return line.slice('ready '.length);
  }
  throw new Error('the process ended before it was ready');
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`it serves the shipped tokenizer and ends with exit code 0 on ${signal}`, async (t) => {
    const events = ['--kv-events', 'tcp://127.0.0.1:*', '--kv-replay', 'tcp://127.0.0.1:*'];
    const child = spawnSim(t, ['--port', '0', '--timing', 'canned', '--model', 'm', ...events]);
    const exit = exitOf(child);
    const url = await readyUrl(child);
    assert.equal((await get(`${url}/health`)).status, 200);
    const messages = [{ role: 'user', content: 'Hello there' }];
    const answer = await post(`${url}/v1/chat/completions`, {
      model: 'm',
      messages,
      max_tokens: 5,
    });
    assert.equal(answer.body.usage.prompt_tokens, 10);
    assert.match(answer.body.choices[0].message.content, /^[ A-Za-z.,;]+$/);
    child.kill(signal);
    const { code, errors } = await exit;
    assert.equal(code, 0, errors);
  });
}

test('a wrong flag ends it with exit code 2 and one line that names the flag', async (t) => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--blocksize', '16'], /--blocksize/],
    [['--block-size', '0'], /--block-size: 0 is out of range: 1 to/],
    [['--hash-algo', 'md5'], /--hash-algo: "md5" is not one of them/],
    [['--speedup', 'fast'], /--speedup: must be a number, not "fast"/],
    [['--tokenizer', '/nowhere'], /there is no folder \/nowhere/],
    [['extra'], /extra/],
  ];
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { code, errors } = await exitOf(spawnSim(t, ['--port', '0', ...args]));
      assert.equal(code, 2, errors);
      assert.match(errors, message);
      assert.equal(errors.trim().split('\n').length, 1, errors);
    }),
  );
});
