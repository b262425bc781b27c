// KeyLimits: what each key may use in a minute. Requests are counted when they come, tokens when they
// are known: those of the prompt and the answer, after it has ended.
import { RouterError } from '../errors.js';
import { TokenBucket } from './token-bucket.js';

/** null: no limit. */
export interface KeyLimit {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
}

export interface KeyLimitPlan extends KeyLimit {
  /** Instead of the above, for the keys of this name. */
  readonly perKey: readonly (KeyLimit & { readonly name: string })[];
}

interface Account {
  readonly requests: TokenBucket | null;
  readonly tokens: TokenBucket | null;
}

export class KeyLimits {
  readonly #nowMs: () => number;
  #plan: KeyLimitPlan;
  readonly #accounts = new Map<string, Account>();

  constructor(plan: KeyLimitPlan, nowMs: () => number) {
    this.#plan = plan;
    this.#nowMs = nowMs;
  }

  /** Accounts of names that stay go on, so that nobody gains by a reload. */
  change(plan: KeyLimitPlan, names: ReadonlySet<string>): void {
    this.#plan = plan;
    for (const [name, account] of this.#accounts) {
      if (names.has(name)) this.#accounts.set(name, this.#account(name, account));
      else this.#accounts.delete(name);
    }
  }

  /** Counts a request. Throws RouterError `request_rate` or `token_rate` saying when to come again. */
  enter(name: string): void {
    const { requests, tokens } = this.#of(name);
    const tokenWaitMs = tokens?.waitMs(1) ?? 0;
    if (tokenWaitMs > 0) throw tooFast('token_rate', name, 'tokens', tokenWaitMs);
    const waitMs = requests?.waitMs(1) ?? 0;
    if (waitMs > 0) throw tooFast('request_rate', name, 'requests', waitMs);
    requests?.take(1);
  }

  /** Whether somebody has to find out what a request used. */
  countsTokens(name: string): boolean {
    return this.#of(name).tokens !== null;
  }

  use(name: string, tokens: number): void {
    this.#of(name).tokens?.take(tokens);
  }

  #of(name: string): Account {
    let account = this.#accounts.get(name);
    if (account === undefined) {
      account = this.#account(name, null);
      this.#accounts.set(name, account);
    }
    return account;
  }

  #account(name: string, before: Account | null): Account {
    const limit = this.#plan.perKey.find((one) => one.name === name) ?? this.#plan;
    const bucket = (perMinute: number | null, old: TokenBucket | null | undefined) => {
      if (perMinute === null) return null;
      old?.change(perMinute);
      return old ?? new TokenBucket(perMinute, this.#nowMs);
    };
    return {
      requests: bucket(limit.requestsPerMinute, before?.requests),
      tokens: bucket(limit.tokensPerMinute, before?.tokens),
    };
  }
}

function tooFast(
  code: 'request_rate' | 'token_rate',
  name: string,
  what: string,
  waitMs: number,
): RouterError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  return new RouterError(
    code,
    `the key ${name} has used its ${what} for this minute; try again in ${retryAfterSeconds} s`,
    { retryAfterSeconds },
  );
}
