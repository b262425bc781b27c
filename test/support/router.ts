// The router as `serve` assembles it, in front of simulated engines, for the length of one test.
import type { TestContext } from 'node:test';
import { type Assembly, assemble } from '../../src/cli/assembly.js';
import { parseConfig } from '../../src/config/config.js';
import type { HttpImplementation } from '../../src/http/server.js';
import { setLogLevel } from '../../src/log.js';
import { shippedTokenizer } from '../../src/sim/model-encoder.js';
import { tinyTokenizerFolder } from './tiny-tokenizer.js';

export interface TestRouter {
  readonly assembly: Assembly;
  readonly url: string;
  readonly adminUrl: string;
}

/** What a configuration says of an engine. */
export interface TestEngine {
  readonly url: string;
  readonly kvEvents?: string | null;
  readonly kvReplay?: string | null;
}

export const TEST_MODEL = 'Qwen/Qwen3-0.6B';

type Keys = Readonly<Record<string, unknown>>;

/** A tokenizer of a dozen words, for tests in which prompts do not matter: it loads at once. */
export const QUICK_TOKENIZER: { readonly model: Keys } = {
  model: {
    tokenizer: tinyTokenizerFolder({
      config: {
        chat_template: '{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}',
      },
    }),
  },
};

interface RouterChanges {
  readonly model?: Keys;
  readonly endpoint?: Keys;
  readonly httpImplementation?: HttpImplementation;
}

/** Engines are named a, b, c, … `extra` is merged into the configuration, `model` into its model,
 * `endpoint` into each endpoint. */
export async function startRouter(
  context: TestContext,
  engines: readonly TestEngine[],
  extra: Keys = {},
  { model = {}, endpoint = {}, httpImplementation = 'auto' }: RouterChanges = {},
): Promise<TestRouter> {
  setLogLevel('error');
  const endpoints = engines.map(({ url, kvEvents = null, kvReplay = null }, i) => {
    return { name: String.fromCharCode(97 + i), url, kvEvents, kvReplay, ...endpoint };
  });
  const { config } = parseConfig(
    JSON.stringify({
      listen: { host: '127.0.0.1', port: 0, adminHost: '127.0.0.1', adminPort: 0 },
      models: [
        {
          name: TEST_MODEL,
          tokenizer: shippedTokenizer(),
          endpoints: { static: endpoints },
          ...model,
        },
      ],
      tokenizer: { threads: 1 },
      ...extra,
    }),
    'test.yaml',
  );
  const assembly = await assemble(config, { httpImplementation });
  context.after(() => assembly.close(0));
  return { assembly, ...(await assembly.listen()) };
}
