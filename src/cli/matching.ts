// What matches prompts: the pool of threads, and the main thread for what takes little.
import type { Config, ModelConfig } from '../config/config.js';
import { ConfigError } from '../errors.js';
import { native } from '../native.js';
import { parseRequest } from '../openai/request-parser.js';
import type { PrefixIndex } from '../prefix/prefix-index.js';
import { overdueOutline } from '../router/overdue-outline.js';
import { ChatTemplate } from '../tokenizer/chat-template.js';
import { TemplateError } from '../tokenizer/jinja/template-error.js';
import { RequestMatcher } from '../tokenizer/match-request.js';
import type { MatchModels } from '../tokenizer/match-task.js';
import { QuickMatcher } from '../tokenizer/quick-matcher.js';
import { TokenizerPool } from '../tokenizer/tokenizer-pool.js';
import { live } from './live-parts.js';
import { newTokenizers } from './model-settings.js';

export interface Matching {
  readonly pool: TokenizerPool;
  readonly quick: QuickMatcher;
  /** Loads the tokenizers that only `after` names. Rejects with ConfigError. */
  prepare(before: readonly ModelConfig[], after: readonly ModelConfig[]): Promise<void>;
}

/** Rejects with ConfigError when a tokenizer cannot be loaded, or a template cannot be read; then no thread is left. */
export async function startMatching(
  index: PrefixIndex,
  models: MatchModels,
  settings: () => Config,
): Promise<Matching> {
  checkTemplates(settings().models);
  const quick = new QuickMatcher(
    new RequestMatcher({
      parse: parseRequest,
      match: (hashes, triples) => index.native.match(hashes, triples),
      maxEndpoints: native.maxEndpoints,
    }),
  );
  const pool = new TokenizerPool(
    live(
      {
        ...{ threads: settings().tokenizer.threads, indexId: index.id, models },
        outline: overdueOutline(),
        quick: quick.match.bind(quick),
      },
      () => ({
        queueMax: settings().limits.queuedRequests,
        deadlineMs: settings().timeouts.matchMs,
      }),
    ),
  );
  try {
    await pool.ready();
    await quick.load(pool.quickFolders);
  } catch (failure) {
    await pool.close();
    throw failure;
  }
  return {
    pool,
    quick,
    async prepare(before, after) {
      checkTemplates(after);
      for (const folder of newTokenizers(before, after)) {
        const { isQuick } = await pool.load(folder);
        if (isQuick) await quick.load([folder]);
      }
    },
  };
}

/** Each chat would be refused by a template that cannot be read. */
function checkTemplates(models: readonly ModelConfig[]): void {
  for (const { name, chatTemplate } of models) {
    try {
      if (chatTemplate !== null) new ChatTemplate(chatTemplate);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new ConfigError(
        `chatTemplate of ${name}: ${error.message}; correct it, or set tokenizer: engine`,
      );
    }
  }
}
