// `warmpath demo` as its own process, for the length of one test file.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface DemoProcess {
  readonly url: string;
  readonly adminUrl: string;
  /** Resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Rejects with what it printed when it ends before it is ready. */
export async function startDemo(...flags: readonly string[]): Promise<DemoProcess> {
  const child = spawn(
    process.execPath,
    [MAIN, 'demo', '--port', '0', '--admin-port', '0', ...flags],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const { url, adminUrl } = await addresses(child);
  return {
    url,
    adminUrl,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      return child.exitCode;
    },
  };
}

async function addresses(child: ChildProcess): Promise<{ url: string; adminUrl: string }> {
  let printed = '';
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      printed += chunk.toString();
      const url = /^ready (\S+)$/m.exec(printed)?.[1];
      const adminUrl = /Page\s+(http:\/\/[^/\s]+)/.exec(printed)?.[1];
      if (url !== undefined && adminUrl !== undefined) resolve({ url, adminUrl });
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('exit', () => reject(new Error(`the demo ended: ${printed}`)));
  });
}
