// Frames captured from vLLM's own publisher: live stream, replay in both forms.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeBatch } from '../../src/events/event-decoder.js';
import {
  parseLiveFrames,
  parseReplayFrames,
  parseTopic,
  peekTimestamp,
  replayRequest,
} from '../../src/events/event-frames.js';
import { ReplayRun } from '../../src/events/replay-run.js';
import { SequenceTracker } from '../../src/events/sequence-tracker.js';

type Frames = readonly string[];
interface Run {
  readonly schema: string;
  readonly topic: string;
  readonly live_frames_hex: readonly Frames[];
  readonly replay_dealer_frames_hex: readonly Frames[];
  readonly replay_start_seq_3: readonly Frames[];
  readonly replay_future: readonly Frames[];
  readonly replay_via_REQ_first_reply: readonly Frames[];
}

const { runs } = JSON.parse(
  readFileSync(new URL('../../../test/vectors/zmq_frames.json', import.meta.url), 'utf8'),
) as { readonly runs: readonly Run[] };

const bytes = (frames: Frames) => frames.map((frame) => Buffer.from(frame, 'hex'));

function live(frames: Frames) {
  const message = parseLiveFrames(bytes(frames));
  assert.ok(!('fault' in message), JSON.stringify(message));
  return message;
}

function replayed(replies: readonly Frames[]): (number | 'end')[] {
  return replies.map((frames) => {
    const reply = parseReplayFrames(bytes(frames));
    assert.ok(!('fault' in reply), JSON.stringify(reply));
    return reply.end ? 'end' : reply.sequence;
  });
}

test('both publisher generations were captured', () => {
  assert.deepEqual(
    runs.map(({ schema }) => schema),
    ['main', 'S9'],
  );
});

for (const run of runs) {
  test(`${run.schema}: live messages parse`, () => {
    assert.equal(run.live_frames_hex.length, 5);
    run.live_frames_hex.forEach((frames, i) => {
      const { topic, sequence, payload } = live(frames);
      assert.equal(Buffer.from(topic).toString(), run.topic);
      assert.deepEqual(parseTopic(run.topic), { id: 'pod-1', model: 'model' });
      assert.equal(sequence, i);
      const batch = decodeBatch(payload);
      assert.equal(batch.ts, 100 + i);
      assert.equal(batch.dataParallelRank, 1);
      const [event] = batch.events;
      assert.ok(event?.type === 'BlockRemoved');
      assert.deepEqual([...event.blockHashes], [BigInt(i + 1)]);
    });
  });

  test(`${run.schema}: one parser reads the replay, its end, and the form a REQ gets`, () => {
    assert.deepEqual(replayed(run.replay_dealer_frames_hex), [2, 3, 4, 'end']);
    assert.deepEqual(replayed(run.replay_start_seq_3), [3, 4, 'end']);
    assert.deepEqual(replayed(run.replay_future), ['end']);
    assert.deepEqual(replayed(run.replay_via_REQ_first_reply), [2]);
  });

  test(`${run.schema}: a replay from 0 that begins at 2 leaves a hole`, () => {
    const forgotten: string[] = [];
    const applied: Uint8Array[] = [];
    const tracker = new SequenceTracker();
    tracker.reset(-1);
    const content = {
      apply: (payload: Uint8Array) => {
        applied.push(payload);
        return 'applied' as const;
      },
      forget: (reason: string) => void forgotten.push(reason),
      restarted: () => undefined,
    };
    const replay = new ReplayRun(tracker, content, 'continue');
    for (const frames of run.replay_dealer_frames_hex) {
      const reply = parseReplayFrames(bytes(frames));
      if (!('fault' in reply) && !reply.end) replay.offer(reply.sequence, reply.payload);
    }
    assert.equal(replay.start, 0);
    assert.equal(replay.outcome(true), 'hole');
    replay.acceptTail('batches 0 and 1 are gone');
    assert.deepEqual(forgotten, ['batches 0 and 1 are gone']);
    assert.equal(applied.length, 3);
    assert.equal(tracker.applied, 4);
  });

  test(`${run.schema}: a live stream shows gaps and restarts`, () => {
    const tracker = new SequenceTracker();
    const judge = (frames: Frames, later = 0) => {
      const { sequence, payload } = live(frames);
      const ts = peekTimestamp(payload) + later;
      const verdict = tracker.judge(sequence, ts);
      if (verdict.kind !== 'duplicate') tracker.advance(sequence, ts);
      return verdict;
    };
    const [zero, one, two, three, four] = run.live_frames_hex;
    assert.ok(zero && one && two && three && four);
    assert.equal(judge(zero).kind, 'first');
    assert.equal(judge(one).kind, 'next');
    assert.deepEqual(judge(three), { kind: 'gap', from: 2, to: 2 });
    assert.equal(judge(three).kind, 'duplicate');
    assert.equal(judge(four).kind, 'next');
    assert.equal(judge(zero, 60).kind, 'restart');
    assert.equal(judge(one, 60).kind, 'next');
  });
}

test('a replay request is what vLLM expects of a DEALER', () => {
  const [delimiter, start] = replayRequest(258);
  assert.equal(delimiter.length, 0);
  assert.equal(Buffer.from(start).toString('hex'), '0000000000000102');
});
