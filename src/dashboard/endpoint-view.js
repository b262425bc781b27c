// One endpoint in full: what is known of it, and why it is trusted as it is.
import { ask, showDetail } from './detail.js';
import { count, element, lag, percent } from './dom.js';

export function showEndpoint(name) {
  return showDetail(name, async () => {
    const endpoint = (await ask('endpoints')).find((one) => one.name === name);
    if (endpoint === undefined) throw new Error(`${name} is gone`);
    return describe(endpoint);
  });
}

function describe(endpoint) {
  const { load, engine, events, hashSettings } = endpoint;
  const rows = [
    ['URL', endpoint.url],
    ['Model', endpoint.model],
    ['Health', endpoint.healthy ? 'gets requests' : `out: ${endpoint.reason ?? 'unknown'}`],
    ['Trust', `${endpoint.trust}: ${endpoint.trustReason ?? 'not heard of yet'}`],
    ['Hashes', hashSettings === null ? 'unknown' : hashText(hashSettings)],
    [
      'Requests from here',
      `${load.inflightRequests}, ${count(load.inflightTokens)} tokens to prefill`,
    ],
    ['Engine', engine === null ? 'its metrics cannot be read' : engineText(engine)],
    ['Serves', (endpoint.models ?? []).map(({ id }) => id).join(', ') || 'unknown'],
  ];
  if (events !== null) rows.push(...eventRows(events));
  return element(
    'dl',
    { class: 'facts' },
    ...rows.map(([label, text]) =>
      element('div', {}, element('dt', {}, label), element('dd', {}, text)),
    ),
  );
}

function hashText({ algorithm, blockSizeTokens, profile }) {
  return `${algorithm}, ${blockSizeTokens} tokens a block, extra keys of ${profile}`;
}

function engineText({ runningRequests, waitingRequests, kvCacheUsage, gpuBlocks }) {
  return `${runningRequests} running, ${waitingRequests} waiting, KV cache ${percent(kvCacheUsage)} of ${count(gpuBlocks)} blocks`;
}

function eventRows(events) {
  const { stored, removed, cleared, ignored, malformed, gaps, replays, restarts } = events;
  return [
    [
      'Event stream',
      `${events.connected ? 'connected' : 'not connected'}, sequence ${events.sequence ?? '–'}`,
    ],
    ['Lag', lag(events.lagSeconds)],
    [
      'Events applied',
      `${count(stored)} stored, ${count(removed)} removed, ${count(cleared)} cleared`,
    ],
    ['Left out', `${count(ignored)} ignored, ${count(malformed)} malformed`],
    ['Faults', `${count(gaps)} gaps, ${count(replays)} replays, ${count(restarts)} restarts`],
  ];
}
