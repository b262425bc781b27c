// The fleet: a card for each endpoint, or a small tile each when there are many.
import {
  byId,
  count,
  element,
  lag,
  meter,
  percent,
  setData,
  setShare,
  setText,
  stateOf,
} from './dom.js';
import { showEndpoint } from './endpoint-view.js';

const CARDS_MAX = 24;

export class FleetMap {
  #list = byId('fleet');
  #items = new Map();
  #isDense = false;

  draw({ endpoints, sources }) {
    const isDense = endpoints.length > CARDS_MAX;
    if (isDense !== this.#isDense) {
      this.#isDense = isDense;
      this.#items.clear();
      this.#list.replaceChildren();
      this.#list.classList.toggle('dense', isDense);
    }
    const names = new Set(endpoints.map(({ name }) => name));
    for (const [name, item] of this.#items) {
      if (names.has(name)) continue;
      item.root.remove();
      this.#items.delete(name);
    }
    const isMixed = new Set(endpoints.map(({ model }) => model)).size > 1;
    for (const endpoint of endpoints) {
      let item = this.#items.get(endpoint.name);
      if (item === undefined) {
        item = isDense ? new Tile(endpoint.name) : new Card(endpoint.name);
        this.#items.set(endpoint.name, item);
        this.#list.append(item.root);
      }
      item.draw(endpoint, isMixed);
    }
    setText(byId('fleet-summary'), summary(endpoints));
    setText(
      byId('fleet-error'),
      sources
        .filter(({ failure }) => failure !== null)
        .map(lost)
        .join(' '),
    );
    byId('fleet-empty').hidden = endpoints.length > 0;
  }
}

class Card {
  #trust = element('span', { class: 'badge' });
  #reason = element('p', { class: 'reason' });
  #model = element('p', { class: 'model hint' });
  #load = element('dd');
  #engine = element('dd');
  #blocks = element('dd');
  #kv = gauge();
  #share = gauge();
  #hits = gauge('warm');

  constructor(name) {
    const title = element('button', { type: 'button', class: 'name' }, name);
    title.addEventListener('click', () => showEndpoint(name));
    const row = (label, ...cells) => element('div', {}, element('dt', {}, label), ...cells);
    this.root = element(
      'li',
      { class: 'card', 'data-endpoint': name },
      element('div', { class: 'card-head' }, title, this.#trust),
      this.#model,
      element(
        'dl',
        {},
        row('Cache hits', this.#hits.cell),
        row('Traffic', this.#share.cell),
        row('KV cache', this.#kv.cell),
        row('Blocks indexed', this.#blocks),
        row('Sent and open', this.#load),
        row('In the engine', this.#engine),
      ),
      this.#reason,
    );
  }

  /** `isMixed`: the fleet serves several models. */
  draw(endpoint, isMixed) {
    const state = stateOf(endpoint);
    setData(this.root, 'state', state);
    setText(this.#trust, state);
    setText(this.#model, isMixed ? endpoint.model : '');
    this.#hits.set(endpoint.hitRatio);
    this.#share.set(endpoint.share);
    this.#kv.set(endpoint.kvUsage);
    setText(this.#blocks, count(endpoint.blocks));
    setText(this.#load, loadText(endpoint));
    setText(this.#engine, engineText(endpoint));
    const reason = endpoint.available ? endpoint.trustReason : endpoint.reason;
    setText(this.#reason, state === 'exact' ? '' : (reason ?? ''));
  }
}

/** A number with a bar before it. */
function gauge(kind) {
  const bar = meter(0, kind);
  const text = element('span', { class: 'value' });
  return {
    cell: element('dd', {}, bar, text),
    set(share) {
      setShare(bar, share);
      setText(text, percent(share));
    },
  };
}

class Tile {
  #fill = element('i');
  #count = element('span');
  #button;

  constructor(name) {
    this.#button = element('button', { type: 'button', class: 'tile' }, this.#fill, this.#count);
    this.#button.addEventListener('click', () => showEndpoint(name));
    this.root = element('li', { 'data-endpoint': name }, this.#button);
  }

  draw(endpoint) {
    const { name, kvUsage, inflight, hitRatio } = endpoint;
    const state = stateOf(endpoint);
    setData(this.root, 'state', state);
    const height = `${Math.round(100 * (kvUsage ?? 0))}%`;
    if (this.#fill.style.height !== height) this.#fill.style.height = height;
    setText(this.#count, inflight === 0 ? '' : String(inflight));
    const label = `${name}: ${state}, ${inflight} in flight, KV cache ${percent(kvUsage)}, hits ${percent(hitRatio)}`;
    if (this.#button.title !== label) {
      this.#button.title = label;
      this.#button.setAttribute('aria-label', label);
    }
  }
}

function loadText({ inflight, inflightTokens }) {
  return inflightTokens === 0
    ? String(inflight)
    : `${inflight}, ${count(inflightTokens)} tokens to prefill`;
}

function engineText({ running, waiting }) {
  return running === null ? 'does not say' : `${running} running, ${waiting} waiting`;
}

/** A source that cannot be read: what it said last holds. */
function lost({ kind, model, failure, told }) {
  const holds = told ? 'the last ones hold' : 'none is known';
  return `Endpoints of ${model} cannot be learned from ${kind}, ${holds}: ${failure}.`;
}

function summary(endpoints) {
  const out = endpoints.filter(({ available }) => !available).length;
  const exact = endpoints.filter(({ trust }) => trust === 'exact').length;
  const latest = Math.max(0, ...endpoints.map(({ events }) => events?.lagSeconds ?? 0));
  const parts = [`${count(endpoints.length)} endpoints`, `${count(exact)} exact`];
  if (out > 0) parts.push(`${count(out)} out`);
  return `${parts.join(', ')}; events applied ${lag(latest)} late at most`;
}
