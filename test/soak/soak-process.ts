// The processes of a soak: engines that are killed and come back, and the router whose memory, files
// and sockets are looked at.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/sim/free-port.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const PROBE = fileURLToPath(new URL('./memory-probe.js', import.meta.url));
const HOST = '127.0.0.1';

/** Some 50 ms a token, so that many streams cost little to simulate; a cache that is soon full. */
const ENGINE_FLAGS = ['--timing', 'qwen2.5-7b-h100', '--speedup', '0.15', '--kv-tokens', '65536'];

export class SoakEngine {
  readonly name: string;
  readonly url: string;
  readonly kvEvents: string;
  /** When it was killed, by performance.now(). */
  readonly killsMs: number[] = [];
  #child: ChildProcess | null = null;
  #readyMs: number | null = null;

  static async start(name: string): Promise<SoakEngine> {
    const engine = new SoakEngine(name, await freePort(HOST), await freePort(HOST));
    await engine.start();
    return engine;
  }

  private constructor(name: string, port: number, eventsPort: number) {
    this.name = name;
    this.url = `http://${HOST}:${port}`;
    this.kvEvents = `tcp://${HOST}:${eventsPort}`;
  }

  /** How long it has been serving; 0 while it is down or starting. */
  get upMs(): number {
    return this.#readyMs === null ? 0 : performance.now() - this.#readyMs;
  }

  get isDown(): boolean {
    return this.#child === null;
  }

  async start(): Promise<void> {
    const { port } = new URL(this.url);
    const address = ['--host', HOST, '--port', port, '--kv-events', this.kvEvents];
    this.#child = spawnMain('sim', [...address, ...ENGINE_FLAGS, '--log-level', 'error']);
    await readyLine(this.#child);
    this.#readyMs = performance.now();
  }

  /** As when the machine fails: nothing is ended in order. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.killsMs.push(performance.now());
    this.#readyMs = null;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.#child = null;
  }
}

export interface Footprint {
  /** Memory of the whole process, threads and native parts included. */
  readonly rssBytes: number;
  /** JavaScript heap of the main thread without compiled code, and what it holds outside. */
  readonly ownBytes: number;
  readonly files: number;
  readonly sockets: number;
}

export class SoakRouter {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  static async start(model: string, tokenizer: string, engines: readonly SoakEngine[]) {
    const folder = mkdtempSync(join(tmpdir(), 'warmpath-soak-'));
    const file = join(folder, 'warmpath.yaml');
    const endpoints = engines.map(({ name, url, kvEvents }) => ({ name, url, kvEvents }));
    const config = {
      listen: { host: HOST, port: 0, adminHost: HOST, adminPort: 0 },
      models: [{ name: model, tokenizer, endpoints: { static: endpoints } }],
      // Engines die so often that a long answer may lose one after the other.
      limits: { attempts: 8 },
    };
    writeFileSync(file, JSON.stringify(config));
    const child = spawnMain(
      'serve',
      ['--config', file, '--log-level', 'error'],
      ['--expose-gc', '--import', PROBE],
    );
    return new SoakRouter(await readyLine(child), child, folder);
  }

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.#child = child;
    this.#folder = folder;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async footprint(): Promise<Footprint> {
    const answered = once(this.#child, 'message');
    this.#child.send('memory');
    const [memory] = await answered;
    return { ...memory, ...this.descriptors() };
  }

  descriptors(): Pick<Footprint, 'files' | 'sockets'> {
    const folder = `/proc/${this.#child.pid}/fd`;
    const targets = readdirSync(folder).map((name) => {
      try {
        return readlinkSync(join(folder, name));
      } catch {
        // Closed since it was listed.
        return '';
      }
    });
    const sockets = targets.filter((target) => target.startsWith('socket:')).length;
    return { files: targets.length, sockets };
  }

  /** Exit code of an ordered end. */
  async stop(): Promise<number | null> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
    rmSync(this.#folder, { recursive: true });
    return this.#child.exitCode;
  }
}

function spawnMain(command: string, flags: readonly string[], node: readonly string[] = []) {
  const talks = node.length > 0 ? ['ipc' as const] : [];
  const child = spawn(process.execPath, [...node, MAIN, command, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit', ...talks],
  });
  // However this process ends, it leaves none behind.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

/** The URL that it prints when it serves. Rejects when it ends before. */
function readyLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`it ended with ${code} before it was ready`)));
    if (child.stdout === null) return;
    createInterface(child.stdout).once('line', (line) => resolve(line.replace(/^ready /, '')));
  });
}
