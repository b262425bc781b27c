// One thing the doctor has looked at, and what came of it.

export type FindingStatus =
  | 'ok'
  /** Works, but not as well as it could. */
  | 'warning'
  | 'wrong'
  /** Could not be told, mostly because of another finding. */
  | 'unknown';

export interface Finding {
  /** null: of the router's configuration. */
  readonly endpoint: string | null;
  readonly check: CheckName;
  readonly status: FindingStatus;
  /** What is so, in one sentence. */
  readonly message: string;
  /** What to do about it; null where nothing has to be done. */
  readonly cure: string | null;
}

export const CHECK_NAMES = [
  'configuration',
  'discovery',
  'http',
  'served-model',
  'model-name',
  'prefix-caching',
  'probe',
  'events',
  'topic',
  'replay',
  'clock',
  'algorithm',
  'seed',
  'block-size',
  'tokenizer',
  'chat-template',
  'cached-tokens',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

/** What a check says of one endpoint, before its name is added. */
export type Verdict = Pick<Finding, 'status' | 'message' | 'cure'>;

export const ok = (message: string): Verdict => ({ status: 'ok', message, cure: null });
export const unknown = (message: string): Verdict => ({ status: 'unknown', message, cure: null });
export const wrong = (message: string, cure: string): Verdict => {
  return { status: 'wrong', message, cure };
};
export const warning = (message: string, cure: string): Verdict => {
  return { status: 'warning', message, cure };
};
