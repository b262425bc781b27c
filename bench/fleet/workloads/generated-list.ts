// Workloads that follow no public preset: conversations, and loads made to break routers.
import { conversations } from './conversations.js';
import { bursts, hotPrefix } from './hot-prefix.js';
import { generated, type WorkloadKind } from './workload-kind.js';

export const GENERATED_WORKLOADS: readonly WorkloadKind[] = [
  generated(
    'hot-prefix',
    '60 requests/s, 85 % with one system prompt of 6000 tokens',
    (n, a, seed, scale) =>
      hotPrefix(n, a, { rate: 60 * scale, seconds: 120, hotShare: 0.85, groups: 600 }, seed),
  ),
  generated(
    'bursts',
    '30 requests/s over 300 prefixes, every 5 s 40 more within 50 ms that share a new prefix',
    (n, a, seed, scale) =>
      bursts(
        n,
        a,
        {
          rate: 30 * scale,
          seconds: 120,
          groups: 300,
          everySeconds: 5,
          burstRequests: 40,
          burstSeconds: 0.05,
        },
        seed,
      ),
  ),
  generated(
    'multi-turn',
    "production-stack's multi-round-qa: 320 users, 10 rounds, 1000 + 20000 tokens, 100 out, 20 s of thought",
    (n, a, seed, scale) =>
      conversations(
        n,
        a,
        {
          sessions: 320,
          startsPerSecond: 4 * scale,
          turns: 10,
          systemPrompts: 1,
          systemTokens: 1000,
          historyTokens: 20_000,
          questionTokens: 100,
          answerTokens: 100,
          thinkSeconds: { mean: 20, min: 5 },
        },
        seed,
      ),
  ),
  generated(
    'chat',
    '2,000 chats of 8 turns over 4 system prompts of 1000 tokens, 200 in and 300 out, 10 s of thought',
    (n, a, seed, scale) =>
      conversations(
        n,
        a,
        {
          sessions: 2000,
          startsPerSecond: 12 * scale,
          turns: 8,
          systemPrompts: 4,
          systemTokens: 1000,
          historyTokens: 0,
          questionTokens: { mean: 200, min: 20 },
          answerTokens: { mean: 300, min: 20 },
          thinkSeconds: { mean: 10, min: 2 },
        },
        seed,
      ),
  ),
  generated(
    'agents',
    '200 agents of 25 tool calls over 20 tool prompts of 12,000 tokens, 1,500 in and 250 out, 4 s a tool',
    (n, a, seed, scale) =>
      conversations(
        n,
        a,
        {
          sessions: 200,
          startsPerSecond: scale,
          turns: 25,
          systemPrompts: 20,
          systemTokens: 12_000,
          historyTokens: 2000,
          questionTokens: { mean: 1500, min: 50 },
          answerTokens: { mean: 250, min: 30 },
          thinkSeconds: { mean: 4, min: 0.2 },
        },
        seed,
      ),
  ),
];
