// The answer for a request whose match did not come in time. Made on the main thread, so that what it
// costs is bounded whatever the request is.
import { isGuessed, outlineRequest } from '../openai/outline-request.js';
import { RequestMatcher } from '../tokenizer/match-request.js';
import type { MatchReply, MatchTask } from '../tokenizer/match-task.js';

export function overdueOutline(): (task: MatchTask) => MatchReply {
  const outliner = new RequestMatcher({
    ...{ parse: outlineRequest, match: null, maxEndpoints: 0 },
  });
  return (task) => {
    const reply = outliner.outline(task);
    if (reply.ok || !isGuessed(task.body)) return reply;
    // Only the engine has read it to the end: it shall say what is wrong.
    return { ...reply, code: 'internal' };
  };
}
