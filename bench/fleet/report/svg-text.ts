// Text that is safe inside HTML and SVG, and numbers as people read them.

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}

/** Three digits are enough for anything simulated. */
export function seconds(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/** Beyond this the slower one is past its knee: its queue grows for as long as the run lasts, and how
 * many times longer it takes says how long the run was. */
export const KNEE_FACTOR = 10;

/** `3.4 times`, or `5 %` for what is nearly equal. */
export function factor(ratio: number): string {
  if (ratio >= KNEE_FACTOR) return `over ${KNEE_FACTOR} times`;
  if (ratio >= 1.3) return `${ratio.toFixed(1)} times`;
  return `${Math.round((ratio - 1) * 100)} %`;
}
