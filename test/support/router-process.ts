// `warmpath serve` as a process of its own, with a configuration file made for one test.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface RouterProcess {
  readonly child: ChildProcess;
  /** URL of the ready line. Rejects when the process ends before it. */
  readonly ready: Promise<string>;
  readonly ended: Promise<ProcessEnd>;
  /** Folder of the configuration file, for other files beside it. */
  readonly folder: string;
  /** Replaces the configuration file. */
  configure(config: string): void;
  /** Lines of the log so far, parsed. */
  lines(): readonly LogLine[];
}

export type LogLine = Readonly<Record<string, unknown>>;

export interface ProcessOptions {
  /** Other files in the folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  /** Module loaded before the program. */
  readonly preload?: string;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function serveProcess(
  context: TestContext,
  config: string,
  { files = {}, environment = {}, flags = [], preload }: ProcessOptions = {},
): RouterProcess {
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-serve-'));
  const file = join(folder, 'warmpath.yaml');
  writeFileSync(file, config);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const nodeFlags = preload === undefined ? [] : ['--import', preload];
  const child = spawn(process.execPath, [...nodeFlags, MAIN, 'serve', '--config', file, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  context.after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text;
  });
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      stdout += text;
      const [line, rest] = stdout.split('\n');
      if (rest !== undefined) resolve((line ?? '').replace(/^ready /, ''));
    });
    void ended.then(() => reject(new Error(`it ended before it was ready: ${stderr}`)));
  });
  // A test may only want to see it end.
  ready.catch(() => {});
  const lines = () =>
    stderr
      .slice(0, stderr.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): LogLine => JSON.parse(line));
  const configure = (text: string) => writeFileSync(file, text);
  return { child, ready, ended, folder, configure, lines };
}
