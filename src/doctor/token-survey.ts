// Whether an engine and the router make the same tokens of a text and of a chat.
import type { ModelConfig } from '../config/config.js';
import type { RequestShape } from '../inference-request.js';
import type { Forwarder } from '../proxy/forwarder.js';
import { engineTokens } from '../router/engine-tokens.js';
import { firstDifference } from '../router/token-parity.js';
import {
  ENGINE_TOKENIZER,
  type MatchModels,
  type MatchReply,
  type MatchTask,
} from '../tokenizer/match-task.js';
import { authorization } from './probe.js';
import type { TokenFacts } from './survey.js';

/** What tokenizers differ in: case, digits, white space, contractions, accents, scripts, code. */
const TEXT = `The Café's 3 ships weren't late: 1234567890 tons, 50% full.\n\n  if (x >= 10) { return "naïve"; }\t// 東京 Москва 🚢 ﬁnal`;
const MESSAGES = [
  { role: 'system', content: 'You keep the harbour log.' },
  { role: 'user', content: TEXT },
  { role: 'assistant', content: 'Noted.' },
  { role: 'user', content: 'What is next?' },
];

export interface TokenSurveyor {
  readonly matcher: { match(task: MatchTask): Promise<MatchReply> };
  readonly models: MatchModels;
  readonly forwarder: Forwarder;
  readonly timeoutMs: number;
}

export function surveyCompletionTokens(
  surveyor: TokenSurveyor,
  url: string,
  model: ModelConfig,
): Promise<TokenFacts> {
  return compare(surveyor, url, model, 'completions', { prompt: TEXT });
}

export function surveyChatTokens(
  surveyor: TokenSurveyor,
  url: string,
  model: ModelConfig,
): Promise<TokenFacts> {
  return compare(surveyor, url, model, 'chat', { messages: MESSAGES });
}

async function compare(
  { matcher, models, forwarder, timeoutMs }: TokenSurveyor,
  url: string,
  model: ModelConfig,
  shape: RequestShape,
  content: object,
): Promise<TokenFacts> {
  const body = Buffer.from(JSON.stringify({ model: model.name, max_tokens: 1, ...content }));
  const headers = authorization(model);
  const ask = () => engineTokens(forwarder, { url, shape, body, headers, timeoutMs });
  if (model.tokenizer === ENGINE_TOKENIZER) {
    const answer = await ask();
    if ('unavailable' in answer) return { engineFails: answer.unavailable };
    return { engineSays: answer.prompts.reduce((sum, { length }) => sum + length, 0) };
  }
  const reply = await matcher.match({ shape, body, models, withTokens: true });
  if (!reply.ok) return { unavailable: `not tokenized here: ${reply.message}` };
  if (reply.tokens === null) return { unavailable: 'not tokenized here' };
  const answer = await ask();
  if ('unavailable' in answer) return answer;
  return { difference: firstDifference(reply.tokens, answer.prompts) };
}
