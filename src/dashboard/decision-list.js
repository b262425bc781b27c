// The newest decisions, one row each; a row's button opens the whole decision.
import { showDecision } from './decision-view.js';
import { byId, clock, count, duration, element, meter, setData, setText } from './dom.js';

const HINT = "Newest first. Choose one to see every endpoint's score.";
const HELD = 'Held still while you are in the list.';

export class DecisionList {
  #body = byId('decisions');
  #rows = new Map();
  #legend = new ScoreLegend();
  #isPaused = false;

  constructor() {
    const button = byId('pause');
    button.addEventListener('click', () => {
      this.#isPaused = !this.#isPaused;
      button.setAttribute('aria-pressed', String(this.#isPaused));
      setText(button, this.#isPaused ? 'Go on' : 'Pause');
    });
  }

  draw({ decisions }) {
    this.#legend.draw(Object.keys(decisions[0]?.scores ?? {}));
    byId('decisions-empty').hidden = decisions.length > 0 || this.#rows.size > 0;
    // Rows that move while somebody reads or aims at them are of no use.
    const isHeld = this.#body.contains(document.activeElement);
    setText(byId('decisions-hint'), isHeld ? HELD : HINT);
    if (this.#isPaused || isHeld) {
      this.#update(decisions.filter(({ id }) => this.#rows.has(id)));
      return;
    }
    const shown = new Set(decisions.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (shown.has(id)) continue;
      row.root.remove();
      this.#rows.delete(id);
    }
    for (const decision of decisions.toReversed()) {
      if (this.#rows.has(decision.id)) continue;
      const row = new Row(decision);
      this.#rows.set(decision.id, row);
      this.#body.prepend(row.root);
    }
    this.#update(decisions);
  }

  #update(decisions) {
    for (const decision of decisions) this.#rows.get(decision.id)?.draw(decision);
  }
}

class Row {
  #firstToken = element('td', { class: 'number wide' });
  #cached = element('td', { class: 'number' });

  constructor(decision) {
    const { id, time, endpoint, promptTokens, matchedTokens, decisionUs, scores, trust } = decision;
    const open = element('button', { type: 'button', class: 'link' }, clock(time));
    open.setAttribute('aria-label', `Decision at ${clock(time)} for ${endpoint}`);
    const held = meter(promptTokens === 0 ? 0 : matchedTokens / promptTokens, 'warm');
    const text =
      trust === 'none' ? 'not matched' : `${count(matchedTokens)} of ${count(promptTokens)}`;
    this.root = element(
      'tr',
      { 'data-decision': String(id) },
      element('td', {}, open),
      element('td', { class: 'endpoint' }, endpoint),
      element('td', { class: 'held' }, held, element('span', { class: 'value' }, text)),
      element('td', { class: 'wide score' }, ...scoreParts(scores)),
      element('td', { class: 'number wide' }, duration(decisionUs / 1000)),
      this.#firstToken,
      this.#cached,
    );
    this.root.addEventListener('click', () => showDecision(id));
  }

  draw({ outcome, cachedTokens, matchedTokens, timeToFirstTokenMs }) {
    setText(this.#firstToken, timeToFirstTokenMs === null ? '…' : duration(timeToFirstTokenMs));
    const open = outcome === null ? '…' : outcome === 'completed' ? '–' : outcome;
    const off = cachedTokens === null ? 0 : cachedTokens - matchedTokens;
    const mark = off === 0 ? '✓' : `(${off > 0 ? '+' : '−'}${count(Math.abs(off))})`;
    setText(this.#cached, cachedTokens === null ? open : `${count(cachedTokens)} ${mark}`);
    setData(this.#cached, 'off', String(off !== 0));
    this.#cached.title = cachedTokens === null ? '' : predicted(off);
    this.root.classList.toggle('failed', outcome === 'unanswered' || outcome === 'broken');
  }
}

function predicted(off) {
  if (off === 0) return 'The engine had what was predicted';
  return `The engine had ${count(Math.abs(off))} tokens ${off > 0 ? 'more' : 'fewer'} than predicted`;
}

/** Which colour of a score's bar is whose. */
class ScoreLegend {
  #names = '';

  draw(names) {
    const joined = names.join();
    if (joined === this.#names) return;
    this.#names = joined;
    byId('score-legend').replaceChildren(
      ...names.map((name, i) =>
        element('li', {}, element('i', { class: `dot part-${i % 4}` }), name),
      ),
    );
  }
}

/** Total, and a bar made of what each scorer gave. */
function scoreParts(scores) {
  const entries = Object.entries(scores);
  const total = entries.reduce((sum, [, score]) => sum + score, 0);
  const parts = entries.map(([scorer, score], i) => {
    const part = element('i', {
      class: `part part-${i % 4}`,
      title: `${scorer} ${score.toFixed(3)}`,
    });
    part.style.flexGrow = String(score);
    return part;
  });
  const rest = element('i');
  // Three is the most that the default weights give; higher totals fill the bar.
  rest.style.flexGrow = String(Math.max(0, 3 - total));
  const bar = element('span', { class: 'parts', 'aria-hidden': 'true' }, ...parts, rest);
  return [bar, element('span', { class: 'value' }, total.toFixed(2))];
}
