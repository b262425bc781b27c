// Thread entry of the pool: answers a MatchTask, and reports once its models are loaded.
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { native } from '../native.js';
import { promptQuestion } from '../openai/prompt-question.js';
import { parseRequest } from '../openai/request-parser.js';
import { RequestMatcher } from './match-request.js';
import {
  ENGINE_TOKENIZER,
  type LoadedTokenizer,
  type MatchReply,
  type MatchTask,
  type MatchThreadData,
  type MatchThreadReport,
} from './match-task.js';
import type { MatchHashes } from './prefix-match.js';

const { indexId, models }: MatchThreadData = workerData;
const matcher = new RequestMatcher({
  parse: parseRequest,
  ask: promptQuestion,
  match: indexId === null ? null : attach(indexId),
  maxEndpoints: native.maxEndpoints,
});
void loadModels();

function attach(id: number): MatchHashes | null {
  try {
    const index = native.PrefixIndex.attach(id);
    return (hashes, triples) => index.match(hashes, triples);
  } catch (error) {
    // A thread that replaces another one may start while the router closes its index.
    report({ type: 'failed', threadId, message: messageOf(error) });
    return null;
  }
}

export default async function answer(task: MatchTask): Promise<unknown> {
  return transferred(await matcher.match(task));
}

/** For a model that the threads did not start with. */
export async function load(folder: string): Promise<LoadedTokenizer | { failure: string }> {
  try {
    const model = await matcher.tokenizers.get(folder);
    return { problems: model.problems, isQuick: model.tokenizer.hashPrompt !== undefined };
  } catch (error) {
    // Another try shall look at the folder again.
    matcher.tokenizers.forget(folder);
    return { failure: messageOf(error) };
  }
}

/** Never rejects: what fails here is told, and a thread that died would be started again and again. */
async function loadModels(): Promise<void> {
  const folders = new Set(matcher.catalogOf(models).models.map((model) => model.tokenizer));
  folders.delete(ENGINE_TOKENIZER);
  const problems: string[] = [];
  const quickFolders: string[] = [];
  try {
    for (const folder of folders) {
      const model = await matcher.tokenizers.get(folder);
      problems.push(...model.problems);
      if (model.tokenizer.hashPrompt !== undefined) quickFolders.push(folder);
    }
    report({ type: 'loaded', threadId, problems, quickFolders });
  } catch (error) {
    report({ type: 'failed', threadId, message: messageOf(error) });
  }
}

function report(message: MatchThreadReport): void {
  parentPort?.postMessage(message);
}

/** The typed arrays of a reply change threads instead of being copied. */
function transferred(reply: MatchReply): unknown {
  if (!reply.ok || reply.matches.length === 0) return reply;
  const buffers = reply.matches.flatMap(({ hashes, promptStarts, triples }) => [
    hashes.buffer,
    promptStarts.buffer,
    triples.buffer,
  ]);
  return move({ [transferableSymbol]: buffers, [valueSymbol]: reply });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
