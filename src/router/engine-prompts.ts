// Matches prompts that only engines can make: one is asked for the token ids, and what it says is
// matched like any other prompt. Without an answer in time the request is routed as if unknown.
import { performance } from 'node:perf_hooks';
import type { HeaderList } from '../http/exchange.js';
import type { PromptQuestion } from '../inference-request.js';
import { log } from '../log.js';
import type { Metrics } from '../metrics.js';
import type { Forwarder } from '../proxy/forwarder.js';
import type { EnginePrompt } from '../tokenizer/engine-answer.js';
import type { MatchFound, MatchReply, MatchTask, Rendered } from '../tokenizer/match-task.js';
import { EnginePatience } from './engine-patience.js';
import type { Fleet } from './fleet.js';
import type { LiveEndpoint } from './live-endpoint.js';
import { PromptCache } from './prompt-cache.js';
import { inquire } from './prompt-inquiry.js';

export interface EnginePromptsParts {
  readonly matcher: { match(task: MatchTask): Promise<MatchReply> };
  readonly fleet: Pick<Fleet, 'available' | 'apiKeyOf'>;
  readonly forwarder: Forwarder;
  readonly metrics: Metrics;
  /** For all engines that are asked for one prompt together. */
  readonly deadlineMs: number;
  readonly nowMs?: () => number;
}

/** Prompts of 16 million tokens in all. */
const CACHE_BYTES = 64 * 1024 * 1024;
const CACHE_TTL_MS = 10 * 60_000;
/** A second engine is asked where the first fails; more would only spread what is wrong. */
const ATTEMPTS = 2;

interface Asked {
  readonly task: MatchTask;
  /** The match as far as the router gets alone. */
  readonly first: MatchFound;
  readonly question: PromptQuestion;
  readonly headers: HeaderList;
}

type Prompts = readonly EnginePrompt[];

export class EnginePrompts {
  readonly #parts: EnginePromptsParts;
  readonly #nowMs: () => number;
  readonly #patience: EnginePatience;
  readonly #cache: PromptCache;
  /** Questions under way: those who ask the same wait for the same answer. */
  readonly #pending = new Map<string, Promise<Prompts | null>>();

  constructor(parts: EnginePromptsParts) {
    this.#parts = parts;
    this.#nowMs = parts.nowMs ?? performance.now.bind(performance);
    this.#patience = new EnginePatience(this.#nowMs);
    this.#cache = new PromptCache({
      maxBytes: CACHE_BYTES,
      ttlMs: CACHE_TTL_MS,
      nowMs: this.#nowMs,
    });
  }

  /** The reply of the pool, after an engine was asked where that helps. Rejects as the pool does. */
  async match(task: MatchTask, headers: HeaderList): Promise<MatchReply> {
    const first = await this.#parts.matcher.match(task);
    if (!first.ok || first.question === null) return first;
    const asked = { task, first, question: first.question, headers };
    const { key } = first.question;
    const kept = this.#cache.get(key);
    const startMs = this.#nowMs();
    if (kept !== null) return this.#matchKept(asked, kept, 'cached', startMs);
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      const prompts = await pending;
      return prompts === null ? first : this.#matchKept(asked, prompts, 'shared', startMs);
    }
    return this.#askFor(asked, startMs);
  }

  async #matchKept(
    { task, first }: Asked,
    prompts: Prompts,
    result: 'cached' | 'shared',
    startMs: number,
  ): Promise<MatchReply> {
    this.#count(result);
    const waitedMs = this.#nowMs() - startMs;
    return joined(
      first,
      await this.#parts.matcher.match({ ...task, rendered: { prompts } }),
      waitedMs,
    );
  }

  async #askFor(asked: Asked, startMs: number): Promise<MatchReply> {
    const { key } = asked.question;
    let settle: (prompts: Prompts | null) => void = () => {};
    this.#pending.set(
      key,
      new Promise((resolve) => {
        settle = resolve;
      }),
    );
    let prompts: Prompts | null = null;
    try {
      const reply = await this.#ask(asked, startMs);
      if (reply.ok && reply.rendered !== null) {
        prompts = reply.rendered;
        this.#cache.set(key, prompts);
      }
      return reply;
    } finally {
      this.#pending.delete(key);
      settle(prompts);
    }
  }

  async #ask(asked: Asked, startMs: number): Promise<MatchReply> {
    const { first, task, question } = asked;
    const { fleet, matcher, deadlineMs } = this.#parts;
    const endpoints = fleet.available(first.loraName ?? first.model);
    const tried = new Set<LiveEndpoint>();
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const live = this.#patience.choose(endpoints, tried);
      if (live === null) break;
      tried.add(live);
      const leftMs = startMs + deadlineMs - this.#nowMs();
      if (leftMs < 1) break;
      const hasOther = attempt < ATTEMPTS && this.#patience.choose(endpoints, tried) !== null;
      const rendered = await this.#inquire(live, asked, hasOther ? leftMs / 2 : leftMs);
      if (rendered === 'refused') {
        this.#count('refused');
        return first;
      }
      if (rendered === 'failed') continue;
      const waitedMs = this.#nowMs() - startMs;
      const reply = await matcher.match({ ...task, rendered });
      if (!reply.ok || reply.rendered !== null || reply.unmatched === 'deadline') {
        this.#count('answered');
        return joined(first, reply, waitedMs);
      }
      log.warn('an engine gave no usable tokens', {
        endpoint: live.endpoint.name,
        path: question.path,
      });
      this.#patience.failed(live);
    }
    this.#count(tried.size === 0 ? 'nobody' : 'failed');
    return first;
  }

  async #inquire(
    live: LiveEndpoint,
    { question, headers }: Asked,
    timeoutMs: number,
  ): Promise<Rendered | 'refused' | 'failed'> {
    const { forwarder, fleet } = this.#parts;
    const { url, name, model } = live.endpoint;
    const apiKey = fleet.apiKeyOf(model);
    this.#patience.begin(live);
    const { outcome, lacksRender } = await inquire(forwarder, {
      ...{ url, question, timeoutMs, lacksRender: this.#patience.lacksRender(live) },
      headers: apiKey === null ? headers : [['authorization', `Bearer ${apiKey}`]],
    });
    this.#patience.end(live, { failed: outcome.kind === 'failed', lacksRender });
    if (outcome.kind === 'answered') return { form: outcome.form, bytes: outcome.bytes };
    log.debug('an engine gave no tokens', { endpoint: name, reason: outcome.reason });
    return outcome.kind;
  }

  #count(result: 'cached' | 'shared' | 'answered' | 'refused' | 'failed' | 'nobody'): void {
    this.#parts.metrics.enginePrompts.inc({ result });
  }
}

/** The time for the engine counts as rendering. */
function joined(first: MatchFound, second: MatchReply, waitedMs: number): MatchReply {
  if (!second.ok) return second;
  const { parseUs, renderUs, tokenizeUs, hashUs, matchUs } = second.times;
  return {
    ...second,
    times: {
      parseUs: parseUs + first.times.parseUs,
      renderUs: renderUs + first.times.renderUs + waitedMs * 1000,
      tokenizeUs: tokenizeUs + first.times.tokenizeUs,
      hashUs: hashUs + first.times.hashUs,
      matchUs: matchUs + first.times.matchUs,
    },
  };
}
