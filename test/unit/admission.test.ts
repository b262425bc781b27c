import assert from 'node:assert/strict';
import test from 'node:test';
import type { Exchange } from '../../src/http/exchange.js';
import { Admission, type AdmissionOptions } from '../../src/router/admission.js';
import { CollectedAnswer } from '../../src/router/collected-answer.js';

const OPTIONS: AdmissionOptions = {
  inflightMax: 1,
  waitingMax: 10,
  waitMs: 60_000,
  nowMs: () => 0,
  onWaiting: () => {},
};

function client(headers: Record<string, string> = {}): Exchange & { abort(): void } {
  const list = Object.entries(headers);
  return new CollectedAnswer({ method: 'POST', path: '/', query: '', headers: list });
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('as many as the limit go at once, for each model; the others when one leaves', async () => {
  const counts: [string, number][] = [];
  const admission = new Admission({
    ...{ ...OPTIONS, inflightMax: 2 },
    onWaiting: (model, count) => counts.push([model, count]),
  });
  const leave = await admission.enter(client(), 'm');
  await admission.enter(client(), 'm');
  await admission.enter(client(), 'other');
  let entered = false;
  const third = admission.enter(client(), 'm').then((leaveThird) => {
    entered = true;
    return leaveThird;
  });
  await settled();
  assert.equal(entered, false);
  leave();
  leave();
  (await third)();
  assert.deepEqual(counts, [
    ['m', 1],
    ['m', 0],
  ]);
  // A place given back twice is one place.
  await admission.enter(client(), 'm');
  const last = client();
  const more = admission.enter(last, 'm');
  assert.equal(await Promise.race([more, settled()]), undefined);
  last.abort();
  await assert.rejects(more, { code: 'client_closed' });
});

test('keys take turns and priorities go first', async () => {
  const admission = new Admission(OPTIONS);
  let leave = await admission.enter(client(), 'm');
  const order: string[] = [];
  const wait = (name: string, headers: Record<string, string>) =>
    admission.enter(client(headers), 'm').then((given) => {
      order.push(name);
      leave = given;
    });
  const all = [
    wait('a1', { authorization: 'Bearer a' }),
    wait('a2', { authorization: 'Bearer a' }),
    wait('b1', { 'x-api-key': 'b' }),
    wait('urgent', { authorization: 'Bearer a', 'x-vllm-priority': '-2' }),
    wait('idle', { 'x-vllm-priority': '7' }),
    wait('a3', { authorization: 'Bearer a', 'x-vllm-priority': 'soon' }),
  ];
  for (const _ of all) {
    leave();
    await settled();
  }
  assert.deepEqual(order, ['urgent', 'a1', 'b1', 'a2', 'a3', 'idle']);
});

test('the priority of the body counts where no header says one', async () => {
  const admission = new Admission(OPTIONS);
  let leave = await admission.enter(client(), 'm');
  const order: string[] = [];
  const wait = (name: string, priority: number, headers: Record<string, string> = {}) =>
    admission.enter(client(headers), 'm', priority).then((given) => {
      order.push(name);
      leave = given;
    });
  const all = [
    wait('usual', 0),
    wait('later', 3),
    wait('overruled', -9, { 'x-vllm-priority': '9' }),
    wait('sooner', -1, { 'x-vllm-priority': 'soon' }),
  ];
  for (const _ of all) {
    leave();
    await settled();
  }
  assert.deepEqual(order, ['sooner', 'usual', 'later', 'overruled']);
});

test('beyond the queue is refused, with the time the queue will take', async () => {
  let nowMs = 0;
  const admission = new Admission({ ...OPTIONS, waitingMax: 4, nowMs: () => nowMs });
  let leave = await admission.enter(client(), 'm');
  for (let i = 0; i < 5; i++) {
    nowMs += 2000;
    leave();
    leave = await admission.enter(client(), 'm');
  }
  const waiting = Array.from({ length: 4 }, () => client());
  const waits = waiting.map((one) => admission.enter(one, 'm'));
  await assert.rejects(admission.enter(client(), 'm'), {
    ...{ code: 'queue_full', status: 429, retryAfterSeconds: 8 },
    message: '4 requests already wait for an engine of this model',
  });
  for (const one of waiting) one.abort();
  for (const { status } of await Promise.allSettled(waits)) assert.equal(status, 'rejected');
});

test('a wait ends at its deadline, and with its client', async () => {
  const admission = new Admission({ ...OPTIONS, waitMs: 20 });
  const leave = await admission.enter(client(), 'm');
  await assert.rejects(admission.enter(client(), 'm'), {
    ...{ code: 'queue_timeout', status: 429, retryAfterSeconds: 1 },
  });
  const leaving = client();
  const left = admission.enter(leaving, 'm');
  leaving.abort();
  await assert.rejects(left, { code: 'client_closed' });
  leave();
  (await admission.enter(client(), 'm'))();
});
