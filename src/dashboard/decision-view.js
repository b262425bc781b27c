// One decision in full: every endpoint's matched blocks and scores, and what decided.
import { ask, showDetail } from './detail.js';
import { clock, count, duration, element, percent } from './dom.js';

const ROWS_FIRST = 20;
/** More could not be told apart. */
const CELLS_MAX = 36;
/** Longer facts take a line of their own on a phone. */
const LONG_CHARACTERS = 32;
const STAGES = ['parse', 'render', 'tokenize', 'hash', 'match'];

export function showDecision(id) {
  return showDetail(`Decision ${id}`, async () => renderDecision(await ask(`decisions?id=${id}`)));
}

/** @returns {DocumentFragment} */
export function renderDecision(decision) {
  const ranked = decision.candidates.toSorted((a, b) => (b.total ?? -1) - (a.total ?? -1));
  const view = new DocumentFragment();
  view.append(
    element('p', { class: 'verdict' }, ...verdict(decision, ranked)),
    facts(decision),
    stages(decision),
    candidateTable(decision, ranked),
    ...(decision.prompts ?? []).map(promptView),
  );
  return view;
}

function verdict(decision, ranked) {
  const { endpoint, tied, unmatched, promptTokens } = decision;
  const name = element('strong', {}, endpoint);
  const picked = ranked.find((one) => one.endpoint === endpoint);
  const others = ranked.filter((one) => one.endpoint !== endpoint && !one.filteredOut);
  const next = others[0];
  const against =
    next === undefined
      ? 'it was the only one'
      : `${next.endpoint} came next with ${next.total.toFixed(2)}`;
  if (unmatched !== null)
    return ['To ', name, ` by load alone: the prompt was not matched (${unmatched}).`];
  if (picked === undefined) return ['To ', name, '.'];
  const { matchedBlocks, blockCount, total } = picked;
  const held =
    blockCount === 0
      ? `its ${count(promptTokens)} tokens fill no block`
      : `it holds ${count(matchedBlocks)} of ${count(blockCount)} blocks`;
  const most = Math.max(0, ...others.map((one) => one.matchedBlocks));
  const rank =
    matchedBlocks > most
      ? ', more than any other'
      : matchedBlocks < most
        ? `, fewer than the ${count(most)} of another`
        : matchedBlocks > 0
          ? ', as many as the best'
          : '';
  const tie = tied > 1 ? ` Drawn among ${tied} equals.` : '';
  return ['To ', name, `: ${held}${rank}. Total ${(total ?? 0).toFixed(2)}; ${against}.${tie}`];
}

function facts(decision) {
  const { time, model, loraName, promptTokens, matchedTokens, trust, outcome } = decision;
  const { cachedTokens, timeToFirstTokenMs, requestId, traceId, plan } = decision;
  const rows = [
    ['When', clock(time)],
    ['Model', loraName === null ? model : `${model}, adapter ${loraName}`],
    ['Prompt', `${count(promptTokens)} tokens`],
    [
      'Matched',
      `${count(matchedTokens)} tokens (${percent(promptTokens === 0 ? 0 : matchedTokens / promptTokens)}), ${trust}`,
    ],
  ];
  if (outcome !== null) rows.push(['Outcome', outcome]);
  if (cachedTokens !== null) rows.push(['Engine reports', `${count(cachedTokens)} tokens cached`]);
  if (timeToFirstTokenMs !== null) rows.push(['First token', duration(timeToFirstTokenMs)]);
  if (requestId !== null) rows.push(['Request id', requestId]);
  if (traceId !== null) rows.push(['Trace', traceId]);
  rows.push(['Plan', plan]);
  return element(
    'dl',
    { class: 'facts' },
    ...rows.map(([label, text]) =>
      element(
        'div',
        { class: text.length > LONG_CHARACTERS ? 'long' : '' },
        element('dt', {}, label),
        element('dd', {}, text),
      ),
    ),
  );
}

/** Where the decision's time went, as one bar. */
function stages({ stagesUs, decisionUs }) {
  const times = STAGES.map((name) => [name, stagesUs[`${name}Us`] ?? 0]);
  const worked = times.reduce((sum, [, us]) => sum + us, 0);
  times.push(['wait', Math.max(0, decisionUs - worked)]);
  const bar = element('div', { class: 'stages', 'aria-hidden': 'true' });
  const legend = element('ul', { class: 'stage-legend' });
  for (const [i, [name, us]] of times.entries()) {
    const part = element('i', { class: `stage stage-${i}` });
    part.style.flexGrow = String(us);
    bar.append(part);
    const key = element('i', { class: `dot stage-${i}`, 'aria-hidden': 'true' });
    legend.append(element('li', {}, key, `${name} ${duration(us / 1000)}`));
  }
  const total = element('p', { class: 'hint' }, `Decided in ${duration(decisionUs / 1000)}`);
  return element('div', {}, total, bar, legend);
}

function candidateTable({ endpoint, weights }, ranked) {
  const scorers = Object.keys(weights);
  const head = [
    'Endpoint',
    'Blocks held',
    ...scorers.map((name) => `${weights[name]} × ${name}`),
    'Total',
    'Load then',
  ];
  const body = element('tbody');
  const add = (candidates) => body.append(...candidates.map((one) => row(one, scorers, endpoint)));
  add(ranked.slice(0, ROWS_FIRST));
  const table = element(
    'table',
    { class: 'candidates' },
    element(
      'thead',
      {},
      element('tr', {}, ...head.map((text) => element('th', { scope: 'col' }, text))),
    ),
    body,
  );
  const frame = element('div', { class: 'scroll' }, table);
  if (ranked.length <= ROWS_FIRST) return frame;
  const more = element('button', { type: 'button' }, `Show all ${ranked.length}`);
  more.addEventListener('click', () => {
    add(ranked.slice(ROWS_FIRST));
    more.remove();
  });
  return element('div', {}, frame, more);
}

function row(candidate, scorers, picked) {
  const { endpoint, trust, total, scores, rawScores, filteredOut } = candidate;
  const isPicked = endpoint === picked;
  const name = element('th', { scope: 'row' }, endpoint);
  if (isPicked) name.append(' ', element('span', { class: 'badge picked' }, 'picked'));
  if (trust !== 'exact')
    name.append(' ', element('span', { class: 'badge', 'data-state': trust }, trust));
  const { inflightRequests, inflightTokens, waitingRequests } = candidate;
  const load = `${inflightRequests} in flight, ${count(inflightTokens)} tokens, ${waitingRequests} waiting`;
  const cell = (label, kind, ...content) =>
    element('td', { class: kind, 'data-label': label }, ...content);
  return element(
    'tr',
    isPicked ? { class: 'picked' } : {},
    name,
    cell('Blocks held', 'blocks', ...strip(candidate)),
    ...scorers.map((scorer) => {
      const text = filteredOut
        ? '–'
        : `${rawScores[scorer].toFixed(3)} → ${scores[scorer].toFixed(3)}`;
      return cell(scorer, 'number', text);
    }),
    cell('Total', 'number total', filteredOut ? 'filtered out' : total.toFixed(3)),
    cell('Load then', 'load', load),
  );
}

/** Only of an explanation that was asked to show it. */
function promptView({ text, tokenIds }) {
  const tokens = tokenIds === null ? 'known in part' : `${count(tokenIds.length)} tokens`;
  const shown = text ?? `token ids ${(tokenIds ?? []).join(' ')}`;
  return element(
    'section',
    { class: 'prompt' },
    element('h3', {}, `Prompt, ${tokens}`),
    element('pre', { tabindex: '0' }, shown),
  );
}

/** The prompt's blocks from first to last; those that the endpoint holds are filled. */
function strip({ matchedBlocks, blockCount, credit }) {
  const text = `${count(matchedBlocks)} of ${count(blockCount)}`;
  const held = element('i');
  held.style.width = `${blockCount === 0 ? 0 : (100 * matchedBlocks) / blockCount}%`;
  const bar = element('span', { class: 'strip', 'aria-hidden': 'true' }, held);
  bar.style.setProperty('--blocks', String(Math.min(CELLS_MAX, Math.max(1, blockCount))));
  const counts = Math.abs(credit - matchedBlocks) < 0.05 ? '' : `, counts as ${credit.toFixed(1)}`;
  return [bar, element('span', { class: 'value' }, text + counts)];
}
