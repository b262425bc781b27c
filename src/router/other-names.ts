// Says so when an engine does not serve the model it is configured for: its address may have changed hands.
import { log } from '../log.js';
import type { LiveEndpoint } from './live-endpoint.js';

const NAMES_SHOWN = 5;

export function warnOfOtherNames(live: LiveEndpoint): void {
  const { name, model } = live.endpoint;
  if (live.lists(model)) return;
  const listed = (live.models ?? []).slice(0, NAMES_SHOWN).map(({ id }) => id);
  log.warn('endpoint does not list its model: others that do are asked first', {
    ...{ endpoint: name, model, listed },
  });
}
