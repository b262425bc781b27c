// One question to one engine: which token ids it makes of a prompt.
import type { HeaderList } from '../http/exchange.js';
import type { PromptQuestion } from '../inference-request.js';
import type { Forwarder } from '../proxy/forwarder.js';
import type { AnswerForm } from '../tokenizer/engine-answer.js';
import type { CollectedAnswer } from './collected-answer.js';
import { askEngine } from './engine-question.js';

export interface PromptInquiry {
  readonly url: string;
  readonly question: PromptQuestion;
  /** For the engine: only its `authorization` is passed on. */
  readonly headers: HeaderList;
  readonly timeoutMs: number;
  /** The engine is known to have no render route. */
  readonly lacksRender?: boolean;
}

export type InquiryOutcome =
  | { readonly kind: 'answered'; readonly form: AnswerForm; readonly bytes: Uint8Array }
  /** The engine is well, and will not render this one. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer, or one that says the engine cannot do this at all. */
  | { readonly kind: 'failed'; readonly reason: string };

/** `outcome.form` 'tokenize' or `lacksRender` says that there is no render route. */
export interface InquiryResult {
  readonly outcome: InquiryOutcome;
  readonly lacksRender: boolean;
}

/** By the engine's render route, which takes the whole request; by /tokenize where there is none and
 * the request says nothing that it does not know. Never rejects. */
export async function inquire(
  forwarder: Forwarder,
  inquiry: PromptInquiry,
): Promise<InquiryResult> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), inquiry.timeoutMs);
  try {
    return await inquireUntil(deadline.signal, forwarder, inquiry);
  } finally {
    clearTimeout(timer);
  }
}

async function inquireUntil(
  deadline: AbortSignal,
  forwarder: Forwarder,
  inquiry: PromptInquiry,
): Promise<InquiryResult> {
  const { question, lacksRender = false } = inquiry;
  if (!lacksRender) {
    const rendered = await ask(forwarder, inquiry, question.path, deadline);
    if (typeof rendered === 'string') return failed(rendered);
    if (rendered.status === 200) return answered('render', rendered);
    if (!isMissing(rendered)) return judged(question.path, rendered);
  }
  if (question.notTokenizable !== null) {
    const reason = `the engine has no render route, and ${question.notTokenizable}`;
    return { outcome: { kind: 'refused', reason }, lacksRender: true };
  }
  const tokenized = await ask(forwarder, inquiry, '/tokenize', deadline);
  if (typeof tokenized === 'string') return { ...failed(tokenized), lacksRender: true };
  if (tokenized.status === 200) return { ...answered('tokenize', tokenized), lacksRender: true };
  return { ...judged('/tokenize', tokenized), lacksRender: true };
}

function answered(form: AnswerForm, { bytes }: CollectedAnswer): InquiryResult {
  return { outcome: { kind: 'answered', form, bytes }, lacksRender: false };
}

function failed(reason: string): InquiryResult {
  return { outcome: { kind: 'failed', reason }, lacksRender: false };
}

/** What is wrong with the request is the client's to hear from the engine that answers it. */
function judged(path: string, { status }: CollectedAnswer): InquiryResult {
  const isRefusal = status === 400 || status === 422 || status === 413;
  const reason = `${path} answers ${status}`;
  return { outcome: { kind: isRefusal ? 'refused' : 'failed', reason }, lacksRender: false };
}

function isMissing({ status }: CollectedAnswer): boolean {
  return status === 404 || status === 405 || status === 501;
}

/** Text: why there is no answer. */
async function ask(
  forwarder: Forwarder,
  { url, headers, question, timeoutMs }: PromptInquiry,
  path: string,
  deadline: AbortSignal,
): Promise<CollectedAnswer | string> {
  const kept = headers.filter(([name]) => name === 'authorization');
  const json: HeaderList = [...kept, ['content-type', 'application/json']];
  const asked = { method: 'POST', path, query: '', headers: json, body: question.body };
  const { answer, failure } = await askEngine(forwarder, url, asked, (begun) => {
    if (deadline.aborted) begun.abort();
    else deadline.addEventListener('abort', () => begun.abort(), { once: true });
  });
  if (failure !== null) return failure.message;
  return answer.aborted ? `${path} gave no whole answer in ${timeoutMs} ms` : answer;
}
