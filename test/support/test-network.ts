// Hosts with addresses of their own on one machine: network namespaces on a bridge, in a network that is
// the test's alone, so that no name, address or leftover of it meets anything else's.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';

const INSIDE = 'WARMPATH_TEST_NETWORK';
const SUBNET = '10.77.0';
const BRIDGE = 'br0';

const INSIDE_MS = 90_000;

/** Whether this process was started by `runInNetwork`. */
export const isInNetwork = process.env[INSIDE] !== undefined;

// Whoever started us is gone, and cannot end us any more: the first process of a namespace hears no SIGTERM.
if (isInNetwork) {
  process.stdin.on('end', () => process.exit(1)).resume();
  if ('unref' in process.stdin) process.stdin.unref();
}

/** Arguments of `unshare`: whoever is not root becomes it inside, where the system lets them. */
function unshared(...command: string[]): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const spaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  // `ip netns` keeps its names in /run.
  const script = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"';
  return [...asRoot, ...spaces, 'sh', '-c', script, 'sh', ...command];
}

/** Why this machine cannot have such hosts; null: it can. */
function networkObstacle(): string | null {
  const probe = 'ip netns add probe && ip link add name probe type bridge';
  const found = spawnSync('unshare', unshared('sh', '-c', probe), { encoding: 'utf8' });
  if (found.status === 0) return null;
  const reason = found.error?.message ?? found.stderr.trim().split('\n').at(-1);
  return `network namespaces (unshare, iproute2) are not to be had here: ${reason}`;
}

/** Runs this test file once more, in a network of its own: what comes of it comes of this test. */
export async function runInNetwork(context: TestContext, file: string): Promise<void> {
  const obstacle = networkObstacle();
  if (obstacle !== null) {
    console.error(`NOT TESTED: ${context.name}: ${obstacle}`);
    context.skip(obstacle);
    return;
  }
  const env: NodeJS.ProcessEnv = { ...process.env, [INSIDE]: '1' };
  // It reports to us, not to who runs us.
  delete env['NODE_TEST_CONTEXT'];
  const args = unshared(process.execPath, '--test-reporter=tap', file);
  const child = spawn('unshare', args, { env, timeout: INSIDE_MS, killSignal: 'SIGKILL' });
  context.after(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      text += bytes;
    });
  }
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0 || !/^# pass [1-9]/m.test(text)) throw new Error(`in its network:\n${text}`);
  for (const [, news = ''] of text.matchAll(/^\s*# (told: .*)$/gm)) context.diagnostic(news);
}

export interface TestHost {
  readonly address: string;
  /** A process on that host; ended with the test. */
  spawn(command: string, args: readonly string[]): ChildProcess;
  /** Takes its cable out: nothing is refused, nothing arrives. */
  cut(): void;
  mend(): void;
}

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });

/** Only for a process that runs in a network of its own; this machine is on it too, as the client. */
export class TestNetwork {
  readonly #context: TestContext;
  #hosts = 0;

  constructor(context: TestContext) {
    if (!isInNetwork) throw new Error('a test network is made in a network of its own');
    this.#context = context;
    ip('link', 'add', BRIDGE, 'type', 'bridge');
    ip('address', 'add', `${SUBNET}.1/24`, 'dev', BRIDGE);
    ip('link', 'set', BRIDGE, 'up');
  }

  host(): TestHost {
    this.#hosts += 1;
    const number = this.#hosts;
    const namespace = `host${number}`;
    const cable = `cable${number}`;
    const address = `${SUBNET}.${10 + number}`;
    ip('netns', 'add', namespace);
    ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('link', 'set', cable, 'master', BRIDGE, 'up');
    ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) ip('-n', namespace, 'link', 'set', device, 'up');
    return {
      address,
      spawn: (command, args) => {
        const child = spawn('ip', ['netns', 'exec', namespace, command, ...args], {
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        this.#context.after(() => child.kill('SIGKILL'));
        return child;
      },
      cut: () => ip('link', 'set', cable, 'down'),
      mend: () => ip('link', 'set', cable, 'up'),
    };
  }
}
