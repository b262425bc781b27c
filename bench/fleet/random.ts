// Random numbers that repeat from a seed, and the distributions the workloads need.

/** Numbers in [0, 1): sfc32, which is good enough that neighbouring seeds share nothing. */
export function seededRandom(seed: number): () => number {
  let a = 0x9e3779b9;
  let b = seed >>> 0;
  let c = Math.floor(seed / 2 ** 32) >>> 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 15; i += 1) next();
  return next;
}

export function shuffle<T>(items: T[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const [one, other] = [items[i], items[j]];
    if (one === undefined || other === undefined) return;
    items[i] = other;
    items[j] = one;
  }
}

/** Arrival rate over time: requests a second for so many seconds, one stage after the other. */
export type Stages = readonly (readonly [rate: number, seconds: number])[];

/** Arrival times in microseconds: a Poisson process, or evenly spaced. */
export function arrivals(
  stages: Stages,
  kind: 'poisson' | 'constant',
  random: () => number,
): number[] {
  const times: number[] = [];
  let stageStartUs = 0;
  for (const [rate, seconds] of stages) {
    const endUs = stageStartUs + seconds * 1e6;
    let atUs = stageStartUs;
    for (;;) {
      atUs += ((kind === 'poisson' ? -Math.log(1 - random()) : 1) * 1e6) / rate;
      if (atUs >= endUs) break;
      times.push(atUs);
    }
    stageStartUs = endUs;
  }
  return times;
}

/** Mixes a number into 32 random-looking bits. */
export function mix32(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
