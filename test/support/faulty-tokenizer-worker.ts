// Thread entry that fails on command: what the pool must live through.
import { parentPort, threadId } from 'node:worker_threads';
import type { MatchReply, MatchTask, MatchThreadReport } from '../../src/tokenizer/match-task.js';

const report: MatchThreadReport = { type: 'loaded', threadId, problems: [], quickFolders: [] };
parentPort?.postMessage(report);

/** The body is the command. */
export default async function answer({ body }: MatchTask): Promise<MatchReply> {
  const command = new TextDecoder().decode(body);
  if (command === 'exit') process.exit(3);
  if (command === 'throw') throw new Error('thrown in the thread');
  if (command.startsWith('wait ')) {
    await new Promise((resolve) => setTimeout(resolve, Number(command.slice(5))));
  }
  return { ok: false, code: 'invalid_request', message: `${command} in ${threadId}`, param: null };
}
