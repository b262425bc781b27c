// The engine makes the same tokens of a text, and the same text of a chat.
import { ok, unknown, type Verdict, wrong } from '../finding.js';
import { type EndpointSurvey, isReachable, type TokenFacts } from '../survey.js';

export function checkTokenizer(survey: EndpointSurvey): Verdict {
  if (!isReachable(survey)) return unknown('see http');
  return verdict(
    survey.completionTokens,
    "put the engine's tokenizer.json and tokenizer_config.json, of the same revision, into the tokenizer's folder",
  );
}

export function checkChatTemplate(survey: EndpointSurvey): Verdict {
  if (!isReachable(survey)) return unknown('see http');
  const { completionTokens, chatTokens } = survey;
  const differs = 'difference' in completionTokens && completionTokens.difference !== null;
  const known = 'difference' in completionTokens || 'engineSays' in completionTokens;
  if (differs || !known) return unknown('see tokenizer');
  return verdict(
    chatTokens,
    "set chatTemplate to the engine's --chat-template, and chatTemplateContentFormat likewise",
  );
}

function verdict(facts: TokenFacts, cure: string): Verdict {
  if ('unavailable' in facts) return unknown(facts.unavailable);
  if ('engineSays' in facts) return ok(`the engine says its tokens (${facts.engineSays})`);
  if ('engineFails' in facts) {
    return wrong(
      `tokenizer: engine, but the engine does not say its tokens: ${facts.engineFails}`,
      'set tokenizer to a folder; render routes come with vLLM 0.15, /tokenize is older',
    );
  }
  const { difference } = facts;
  if (difference === null) return ok('equal tokens');
  const { position, ours, theirs } = difference;
  return wrong(
    `token ${position} is ${shown(theirs)} for the engine and ${shown(ours)} here`,
    cure,
  );
}

const shown = (token: number | null) => (token === null ? 'missing' : String(token));
