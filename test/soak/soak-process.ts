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
import { request } from 'undici';
import { freePort } from '../../src/sim/free-port.js';
import type { ProcessMemory } from './memory-probe.js';
import type { Random } from './soak-load.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const PROBE = fileURLToPath(new URL('./memory-probe.js', import.meta.url));
const HOST = '127.0.0.1';

/** Some 50 ms a token, so that many streams cost little to simulate; a cache that is soon full. */
const ENGINE_FLAGS = ['--timing', 'qwen2.5-7b-h100', '--speedup', '0.15', '--kv-tokens', '65536'];

/** About 120 KB of text each, of which no two are alike. */
const FILL_WORDS = 18_000;
const FILL_PROMPTS = 60;
const FILL_ROUNDS_MAX = 50;

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

export interface Footprint extends ProcessMemory {
  /** Parts of prompts seen before, and the prefix index, in native memory. */
  readonly cacheBytes: number;
  readonly indexBytes: number;
  readonly files: number;
  readonly sockets: number;
}

export class SoakRouter {
  readonly url: string;
  readonly adminUrl: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  static async start(model: string, tokenizer: string, engines: readonly SoakEngine[]) {
    const folder = mkdtempSync(join(tmpdir(), 'warmpath-soak-'));
    const file = join(folder, 'warmpath.yaml');
    const adminPort = await freePort(HOST);
    const endpoints = engines.map(({ name, url, kvEvents }) => ({ name, url, kvEvents }));
    const config = {
      listen: { host: HOST, port: 0, adminHost: HOST, adminPort },
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
    return new SoakRouter(await readyLine(child), `http://${HOST}:${adminPort}`, child, folder);
  }

  private constructor(url: string, adminUrl: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.adminUrl = adminUrl;
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
    const descriptors = this.descriptors();
    return { ...memory, ...(await this.nativeBytes()), ...descriptors };
  }

  async nativeBytes(): Promise<Pick<Footprint, 'cacheBytes' | 'indexBytes'>> {
    const page = await (await request(`${this.adminUrl}/metrics`)).body.text();
    const sum = (name: string) =>
      [...page.matchAll(new RegExp(`^warmpath_${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].reduce(
        (bytes, [, value]) => bytes + Number(value),
        0,
      );
    return { cacheBytes: sum('tokenizer_cache_bytes'), indexBytes: sum('index_bytes') };
  }

  /** Fills what remembers parts of prompts to its bounds, with prompts that are asked about and never
   * sent. */
  async fillCaches(model: string, random: Random): Promise<void> {
    let before = -1;
    let { cacheBytes } = await this.nativeBytes();
    for (let rounds = 0; rounds < FILL_ROUNDS_MAX && cacheBytes > before; rounds++) {
      for (let i = 0; i < FILL_PROMPTS; i++) await this.#explain(model, random);
      before = cacheBytes;
      ({ cacheBytes } = await this.nativeBytes());
    }
  }

  async #explain(model: string, random: Random): Promise<void> {
    const content = Array.from({ length: FILL_WORDS }, () => random(2 ** 31).toString(36));
    const body = JSON.stringify({
      model,
      messages: [{ role: 'user', content: content.join(' ') }],
    });
    const answer = await request(`${this.adminUrl}/explain`, { method: 'POST', body });
    await answer.body.dump();
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
