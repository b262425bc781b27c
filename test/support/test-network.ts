// Hosts with addresses of their own on one machine: network namespaces on a bridge. Needs root and Linux.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });

/** Why this machine cannot have such hosts; null: it can. */
export function networkObstacle(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    return 'network namespaces need root on Linux';
  }
  const name = `wp-probe-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'delete', name);
    ip('link', 'add', `wpp${process.pid}`, 'type', 'bridge');
    ip('link', 'delete', `wpp${process.pid}`);
    return null;
  } catch (failure) {
    return `network namespaces are not to be had here: ${String(failure).split('\n')[0]}`;
  }
}

export interface TestHost {
  readonly address: string;
  /** A process on that host; ended with the test. */
  spawn(command: string, args: readonly string[]): ChildProcess;
  /** Takes its cable out: nothing is refused, nothing arrives. */
  cut(): void;
  mend(): void;
}

export class TestNetwork {
  readonly #context: TestContext;
  /** Interface names have 15 characters at most. */
  readonly #id = process.pid.toString(36);
  readonly #subnet = `10.77.${process.pid % 250}`;
  #hosts = 0;

  constructor(context: TestContext) {
    this.#context = context;
    ip('link', 'add', this.#bridge, 'type', 'bridge');
    context.after(() => ip('link', 'delete', this.#bridge));
    // This machine is on it as well, as the client.
    ip('address', 'add', `${this.#subnet}.1/24`, 'dev', this.#bridge);
    ip('link', 'set', this.#bridge, 'up');
  }

  get #bridge(): string {
    return `wpb${this.#id}`;
  }

  host(): TestHost {
    this.#hosts += 1;
    const number = this.#hosts;
    const namespace = `wp-${this.#id}-${number}`;
    const outside = `wp${this.#id}o${number}`;
    const inside = `wp${this.#id}i${number}`;
    const address = `${this.#subnet}.${10 + number}`;
    ip('netns', 'add', namespace);
    this.#context.after(() => ip('netns', 'delete', namespace));
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside);
    ip('link', 'set', outside, 'master', this.#bridge, 'up');
    ip('link', 'set', inside, 'netns', namespace);
    ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', inside);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'link', 'set', inside, 'up');
    return {
      address,
      spawn: (command, args) => {
        const child = spawn('ip', ['netns', 'exec', namespace, command, ...args], {
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        this.#context.after(() => child.kill('SIGKILL'));
        return child;
      },
      cut: () => ip('link', 'set', outside, 'down'),
      mend: () => ip('link', 'set', outside, 'up'),
    };
  }
}
