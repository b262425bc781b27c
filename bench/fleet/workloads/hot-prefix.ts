// What breaks routers that follow the cache too far: one hot prefix, and bursts of a new one.
import { SegmentPrompt } from '../prompt-blocks.js';
import { arrivals, seededRandom } from '../random.js';
import { STANDARD_ENGINES, type Workload, type WorkloadRequest } from '../workload.js';

const SYSTEM_TOKENS = 6000;
const QUESTION_TOKENS = 1200;
const OUTPUT_TOKENS = 250;
const SETTING = {
  idTokens: 16,
  closed: false,
  engines: STANDARD_ENGINES,
  generatedBlocks: 'discarded',
} as const;

function request(
  atUs: number,
  session: number,
  systemId: number,
  questionId: number,
): WorkloadRequest {
  return {
    atUs,
    session,
    thinkUs: 0,
    promptTokens: SYSTEM_TOKENS + QUESTION_TOKENS,
    outputTokens: OUTPUT_TOKENS,
    prompt: new SegmentPrompt([
      [systemId, SYSTEM_TOKENS],
      [questionId, QUESTION_TOKENS],
    ]),
    answerId: -1,
  };
}

/** `hotShare` of the requests share one system prompt, the others have one of `groups`; no question is
 * asked twice. */
export function hotPrefix(
  name: string,
  about: string,
  {
    rate,
    seconds,
    hotShare,
    groups,
  }: { rate: number; seconds: number; hotShare: number; groups: number },
  seed: number,
): Workload {
  const random = seededRandom(seed);
  const requests = arrivals([[rate, seconds]], 'poisson', random).map((atUs, i) => {
    const group = random() < hotShare ? 0 : 1 + Math.floor(random() * groups);
    return request(atUs, i, group, groups + 1 + i);
  });
  return { name, about, requests, ...SETTING };
}

/** A steady load of known prefixes, and every so often many requests at once that share a prefix which
 * no engine has seen. */
export function bursts(
  name: string,
  about: string,
  shape: {
    rate: number;
    seconds: number;
    groups: number;
    everySeconds: number;
    burstRequests: number;
    burstSeconds: number;
  },
  seed: number,
): Workload {
  const random = seededRandom(seed);
  const { rate, seconds, groups, everySeconds, burstRequests, burstSeconds } = shape;
  const steady = arrivals([[rate, seconds]], 'poisson', random).map((atUs) => {
    return { atUs, system: Math.floor(random() * groups) };
  });
  const count = Math.floor(seconds / everySeconds);
  const burst = Array.from({ length: count * burstRequests }, (_, i) => {
    const which = Math.floor(i / burstRequests);
    const atUs = ((which + 0.5) * everySeconds + random() * burstSeconds) * 1e6;
    return { atUs, system: groups + which };
  });
  const all = [...steady, ...burst].sort((a, b) => a.atUs - b.atUs);
  const requests = all.map(({ atUs, system }, i) => request(atUs, i, system, groups + count + i));
  return { name, about, requests, ...SETTING };
}
