// What a client is told of a control call that went to one engine, or to several.
import type { Exchange } from '../http/exchange.js';
import type { ControlEffect } from './control-calls.js';
import type { EngineReply } from './engine-question.js';
import { json } from './reply.js';

export interface NamedReply {
  readonly endpoint: string;
  readonly reply: EngineReply;
}

/** One engine's answer as it is; of several, all of them and whether every one succeeded. Adapters
 * are loaded by clients that know a single engine: they get its answer when all agree. */
export function answerControl(
  exchange: Exchange,
  effect: ControlEffect,
  replies: readonly NamedReply[],
): void {
  const [first, ...others] = replies;
  if (first === undefined) return;
  const isAdapter = effect.kind === 'adapters';
  const agreed = others.length === 0 ? first : isAdapter ? spokesman(replies) : null;
  if (agreed !== null) {
    pass(exchange, agreed.reply);
    return;
  }
  const failed = replies.filter((one) => !isDone(one, effect));
  const same = replies.every(({ reply }) => reply.status === first.reply.status);
  const status = same ? first.reply.status : failed.length === 0 ? 200 : 502;
  const names = failed.map(({ endpoint }) => endpoint).join(', ');
  const error = {
    message:
      `${exchange.path} succeeded on ${replies.length - failed.length} of ${replies.length} engines, ` +
      `not on ${names}; see endpoints for what each said`,
    type: 'PartialFailureError',
    param: null,
    code: status,
  };
  json(exchange, status, {
    success: failed.length === 0,
    ...(failed.length === 0 ? {} : { error }),
    endpoints: Object.fromEntries(
      replies.map(({ endpoint, reply }) => [endpoint, describe(reply)]),
    ),
  });
}

/** The one whose answer stands for all; null: they do not agree. */
function spokesman(replies: readonly NamedReply[]): NamedReply | null {
  const [first] = replies;
  if (first === undefined) return null;
  if (replies.every((one) => isDone(one, { kind: 'adapters' }))) {
    return replies.find(({ reply }) => reply.succeeded) ?? first;
  }
  const { status, failure } = first.reply;
  const alike = replies.every(({ reply }) => reply.failure === null && reply.status === status);
  return failure === null && alike ? first : null;
}

/** An engine that has the adapter already, or has it no more, is where it should be: so a call that
 * failed on one engine can be sent again. */
function isDone({ reply }: NamedReply, effect: ControlEffect): boolean {
  if (reply.succeeded) return true;
  if (effect.kind !== 'adapters' || reply.failure !== null) return false;
  const { status, answer } = reply;
  const isUnload = answer.path.endsWith('/unload_lora_adapter');
  return isUnload ? status === 404 : status === 400 && /already/i.test(answer.text);
}

function describe({ status, answer, failure }: EngineReply): object {
  return { status, body: failure === null ? answer.value : { error: failure.message } };
}

function pass(exchange: Exchange, { answer, failure }: EngineReply): void {
  if (failure !== null) throw failure;
  exchange.respond(answer.status, answer.responseHeaders, answer.bytes);
}
