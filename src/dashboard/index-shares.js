// The index by age of its blocks and by how many endpoints hold them: two bars, each with its legend.
import { byId, element, percent, setData, setText } from './dom.js';

const AGES = {
  title: 'Age of blocks',
  kind: 'warm',
  // Ages are known to five minutes only, so what is younger is one group.
  groups: [
    ['under 10 min', 600],
    ['to 1 h', 3600],
    ['to 4 h', 14_400],
    ['to 10 h', 36_000],
    ['older', null],
  ],
};
const HOLDERS = {
  title: 'Held by',
  kind: 'cool',
  groups: [
    ['1 endpoint', 1],
    ['2', 2],
    ['3 to 4', 4],
    ['5 to 16', 16],
    ['17 to 64', 64],
    ['more', null],
  ],
};

export class IndexShares {
  #ages = new ShareBar(AGES);
  #holders = new ShareBar(HOLDERS);

  constructor() {
    byId('index-shares').append(this.#ages.root, this.#holders.root);
  }

  draw({ index: { census } }) {
    byId('index-shares').hidden = census.sampledBlocks === 0;
    this.#ages.draw(census.ageSeconds);
    this.#holders.draw(census.holders);
  }
}

class ShareBar {
  #groups;
  #parts;
  #keys;

  constructor({ title, kind, groups }) {
    this.#groups = groups;
    this.#parts = groups.map((_, i) => element('i', { class: `share share-${i}` }));
    this.#keys = groups.map(([label], i) => {
      const value = element('b');
      const dot = element('i', { class: `dot share-${i}`, 'aria-hidden': 'true' });
      return { value, root: element('li', {}, dot, `${label} `, value) };
    });
    const bar = element('div', { class: 'share-bar', 'aria-hidden': 'true' }, ...this.#parts);
    const legend = element('ul', { class: 'legend' }, ...this.#keys.map(({ root }) => root));
    this.root = element('div', { class: kind }, element('h3', {}, title), bar, legend);
  }

  /** `shares`: by ascending bound, the last without one; neighbours are summed up to ours. */
  draw(shares) {
    let from = 0;
    for (const [i, [, bound]] of this.#groups.entries()) {
      const end =
        bound === null ? shares.length : shares.findIndex(({ upTo }) => upTo === bound) + 1;
      const share = shares.slice(from, end).reduce((sum, one) => sum + one.share, 0);
      from = end;
      const width = `${Math.round(1000 * share) / 10}%`;
      if (this.#parts[i].style.width !== width) this.#parts[i].style.width = width;
      setText(this.#keys[i].value, percent(share));
      setData(this.#keys[i].root, 'empty', String(share === 0));
    }
  }
}
