// DemoPanel: the demo's two switches, traffic and prefix weight, and what a change of weight makes.
import type { SchedulingPlan } from '../config/scheduling-plan.js';
import { RouterError } from '../errors.js';
import type { DemoControls } from '../router/demo-controls.js';
import { createScheduler, type Scheduler } from '../scheduler/scheduler.js';
import { LatencySketch } from '../traffic/latency-sketch.js';
import type { DemoAnswer, DemoTraffic } from './demo-traffic.js';

/** The seed's weight, and none: then load alone decides. */
const WEIGHTS = [2, 0] as const;
type PrefixWeight = (typeof WEIGHTS)[number];

/** About half a minute of traffic. */
const ANSWERS_COMPARED = 150;
const MARKS_KEPT = 32;

interface Mark {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly prefixWeight: PrefixWeight;
}

export class DemoPanel implements DemoControls {
  /** Decides with the weight of the moment. */
  readonly scheduler: Scheduler;
  readonly #answers: Readonly<Record<PrefixWeight, DemoAnswer[]>> = { 2: [], 0: [] };
  readonly #marks: Mark[] = [];
  #traffic: DemoTraffic | null = null;
  #weight: PrefixWeight = 2;
  /** `performance.now()` of the last change: what was sent before belongs to neither weight. */
  #changedMs = 0;

  constructor(plan: SchedulingPlan) {
    const schedulers = {
      2: createScheduler(withPrefixWeight(plan, 2)),
      0: createScheduler(withPrefixWeight(plan, 0)),
    };
    const current = () => schedulers[this.#weight];
    this.scheduler = {
      schedule: (...request) => current().schedule(...request),
      assigned: (...request) => current().assigned(...request),
      get description() {
        return current().description;
      },
    };
  }

  /** The traffic that the page's switch is for; it can only exist once the router listens. */
  drive(traffic: DemoTraffic): void {
    this.#traffic = traffic;
  }

  noteAnswer(answer: DemoAnswer): void {
    if (answer.sentMs < this.#changedMs) return;
    const answers = this.#answers[this.#weight];
    answers.push(answer);
    if (answers.length > ANSWERS_COMPARED) answers.shift();
  }

  state(): object {
    return {
      traffic: this.#traffic?.isOn ?? false,
      prefixWeight: this.#weight,
      comparison: WEIGHTS.map((weight) => compared(weight, this.#answers[weight])),
      marks: this.#marks,
    };
  }

  change(wish: unknown): void {
    if (typeof wish !== 'object' || wish === null || Array.isArray(wish)) {
      throw new RouterError('invalid_request', 'the body must be an object');
    }
    for (const [key, value] of Object.entries(wish)) {
      if (key === 'traffic' && typeof value === 'boolean') this.#switchTraffic(value);
      else if (key === 'prefixWeight' && (value === 0 || value === 2)) this.#switchWeight(value);
      else {
        const problem = `${key} is not traffic (true or false) or prefixWeight (0 or 2)`;
        throw new RouterError('invalid_request', problem, { param: key });
      }
    }
  }

  #switchTraffic(on: boolean): void {
    if (on) this.#traffic?.start();
    else this.#traffic?.stop();
  }

  #switchWeight(weight: PrefixWeight): void {
    if (weight === this.#weight) return;
    this.#weight = weight;
    this.#changedMs = performance.now();
    this.#answers[weight].length = 0;
    this.#marks.push({ time: Date.now(), prefixWeight: weight });
    if (this.#marks.length > MARKS_KEPT) this.#marks.shift();
  }
}

function withPrefixWeight(plan: SchedulingPlan, weight: number): SchedulingPlan {
  const scorers = plan.scorers.map((scorer) => {
    return scorer.type === 'prefix-cache-scorer' ? { ...scorer, weight } : scorer;
  });
  return { ...plan, scorers };
}

function compared(prefixWeight: PrefixWeight, answers: readonly DemoAnswer[]): object {
  const firstToken = new LatencySketch();
  let promptTokens = 0;
  let cachedTokens = 0;
  for (const answer of answers) {
    firstToken.add(answer.firstTokenMs);
    promptTokens += answer.promptTokens;
    cachedTokens += answer.cachedTokens;
  }
  return {
    prefixWeight,
    answers: answers.length,
    hitRatio: promptTokens === 0 ? null : cachedTokens / promptTokens,
    ttftP50Ms: firstToken.quantileMs(0.5),
    ttftP90Ms: firstToken.quantileMs(0.9),
  };
}
