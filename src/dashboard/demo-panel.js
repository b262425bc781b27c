// The demo's switches, and what the two weights did to the same kind of traffic.
import { ask } from './detail.js';
import { byId, count, duration, element, percent, setText } from './dom.js';

export class DemoPanel {
  #rows = new Map();

  constructor() {
    byId('demo').addEventListener('click', ({ target }) => {
      if (!(target instanceof HTMLButtonElement)) return;
      const { traffic, weight } = target.dataset;
      if (traffic !== undefined) void this.#change({ traffic: traffic === 'true' });
      if (weight !== undefined) void this.#change({ prefixWeight: Number(weight) });
    });
  }

  draw({ demo }) {
    byId('demo').hidden = demo === null;
    if (demo !== null) this.#show(demo);
  }

  async #change(wish) {
    setText(byId('demo-error'), '');
    try {
      this.#show(await ask('demo', { method: 'POST', body: JSON.stringify(wish) }));
    } catch (failure) {
      setText(byId('demo-error'), failure.message);
    }
  }

  #show({ traffic, prefixWeight, comparison }) {
    for (const button of byId('demo').querySelectorAll('button')) {
      const { traffic: on, weight } = button.dataset;
      const isPressed = on === undefined ? weight === String(prefixWeight) : on === String(traffic);
      button.setAttribute('aria-pressed', String(isPressed));
    }
    for (const one of comparison) {
      const cells = this.#rows.get(one.prefixWeight) ?? this.#addRow(one.prefixWeight);
      const now = one.prefixWeight === prefixWeight;
      setText(cells[0], `${one.prefixWeight}${now ? ' (now)' : ''}`);
      setText(cells[1], percent(one.hitRatio));
      setText(cells[2], duration(one.ttftP50Ms));
      setText(cells[3], duration(one.ttftP90Ms));
      setText(cells[4], one.answers === 0 ? 'none yet' : `last ${count(one.answers)}`);
      cells[0].parentElement.classList.toggle('now', now);
    }
  }

  #addRow(weight) {
    const name = element('th', { scope: 'row' });
    const cells = [name, ...[1, 2, 3, 4].map(() => element('td'))];
    byId('comparison')
      .querySelector('tbody')
      .append(element('tr', {}, ...cells));
    this.#rows.set(weight, cells);
    return cells;
  }
}
