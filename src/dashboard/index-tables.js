// What the index holds: which prefixes are hot and how widely they are held; and how well it is fed.
import { age, byId, bytes, count, element, lag, meter, setData, setShare, setText } from './dom.js';

/** In a large fleet those with the most trouble are shown. */
const ENDPOINTS_SHOWN = 12;

/** Lag, batches, gaps, replays, restarts, malformed; a phone shows those that mean trouble. */
const EVENT_NUMBERS = ['', 'wide', '', 'wide', '', ''];

export class IndexTables {
  #prefixes = new RowList('prefixes', () => {
    const bar = meter(0, 'warm');
    const holders = element('span', { class: 'value' });
    const number = () => element('td', { class: 'number' });
    const [name, tokens, used] = [element('td', { class: 'hash' }), number(), number()];
    const held = element('td', { class: 'held' }, bar, holders);
    return { cells: [name, tokens, held, used], name, tokens, bar, holders, used };
  });
  #events = new RowList('events', () => {
    const name = element('td', { class: 'endpoint' });
    const numbers = EVENT_NUMBERS.map((kind) => element('td', { class: `number ${kind}` }));
    return { cells: [name, ...numbers], name, numbers };
  });

  #misses = new RowList('misses', () => {
    const [cause, number] = [element('td'), element('td', { class: 'number' })];
    return { cells: [cause, number], cause, number };
  });

  draw({ index, prefixes, endpoints, misses }) {
    byId('misses-panel').hidden = misses.length === 0;
    this.#misses.draw(misses, (row, miss) => {
      setText(row.cause, miss.cause);
      setText(row.number, count(miss.count));
    });
    const copies =
      index.copiesPerBlock === null ? '' : `, ${index.copiesPerBlock.toFixed(2)} copies of each`;
    const memory = `${bytes(index.bytes)} of ${bytes(index.maxBytes)}`;
    setText(byId('index-summary'), `${count(index.blocks)} distinct blocks${copies}; ${memory}`);
    byId('prefixes-empty').hidden = prefixes.length > 0;
    this.#prefixes.draw(prefixes, (row, prefix) => {
      setText(row.name, prefix.id);
      setText(row.tokens, count(prefix.tokens));
      setText(row.holders, `${prefix.holders} of ${count(prefix.endpoints)}`);
      setShare(row.bar, prefix.holders / prefix.endpoints);
      setText(row.used, age(prefix.idleSeconds));
    });
    this.#drawEvents(endpoints);
  }

  #drawEvents(endpoints) {
    const heard = endpoints.filter(({ events }) => events !== null);
    const worst =
      heard.length > ENDPOINTS_SHOWN ? heard.toSorted((a, b) => trouble(b) - trouble(a)) : heard;
    const shown = worst.slice(0, ENDPOINTS_SHOWN);
    this.#events.draw(shown, (row, { name, events }) => {
      const { connected, lagSeconds, batches, gaps, replays, restarts, malformed } = events;
      setText(row.name, connected ? name : `${name} (not connected)`);
      const texts = [lag(lagSeconds), ...[batches, gaps, replays, restarts, malformed].map(count)];
      for (const [i, text] of texts.entries()) setText(row.numbers[i], text);
      for (const [i, value] of [gaps, malformed].entries()) {
        setData(row.numbers[i === 0 ? 2 : 5], 'bad', String(value > 0));
      }
    });
    const sum = (key) => heard.reduce((total, { events }) => total + events[key], 0);
    const scope = shown.length < heard.length ? `; the ${shown.length} with the most trouble` : '';
    setText(
      byId('events-summary'),
      `${count(sum('batches'))} batches, ${count(sum('gaps'))} gaps${scope}`,
    );
  }
}

function trouble({ events: { connected, gaps, restarts, malformed, lagSeconds } }) {
  return (connected ? 0 : 1e9) + 1e3 * (gaps + malformed + restarts) + (lagSeconds ?? 0);
}

/** Rows that are reused: the n-th thing is drawn into the n-th row. */
class RowList {
  #body;
  #make;
  #rows = [];

  constructor(id, make) {
    this.#body = byId(id);
    this.#make = make;
  }

  draw(things, fill) {
    while (this.#rows.length < things.length) {
      const row = this.#make();
      row.root = element('tr', {}, ...row.cells);
      this.#rows.push(row);
      this.#body.append(row.root);
    }
    for (const row of this.#rows.splice(things.length)) row.root.remove();
    for (const [i, thing] of things.entries()) fill(this.#rows[i], thing);
  }
}
