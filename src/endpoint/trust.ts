// How much a match counts, by how good it is.
import type { Trust } from './endpoint.js';

/** Factor on an endpoint's match in the prefix score. Exact and rehashed matches are both proven from
 * the engine's own token ids. A degraded endpoint may have lost blocks we have not heard of, so
 * among equals a proven one wins; an estimate must not beat a proven match half as long. */
export const TRUST_FACTOR: Readonly<Record<Trust, number>> = {
  exact: 1,
  rehashed: 1,
  degraded: 0.75,
  estimated: 0.5,
  none: 0,
};
