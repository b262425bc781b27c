// The box for a request: shows where it would go, without sending it.
import { renderDecision } from './decision-view.js';
import { ask, showDetail } from './detail.js';
import { byId, setText } from './dom.js';

export class ExplainBox {
  #input = byId('request');
  #model = '';

  constructor() {
    byId('explain').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#explain();
    });
    byId('example').addEventListener('click', () => {
      this.#input.value = JSON.stringify(example(this.#model), null, 2);
      this.#input.focus();
    });
  }

  draw({ endpoints }) {
    this.#model = endpoints[0]?.model ?? '';
  }

  async #explain() {
    setText(byId('explain-error'), '');
    const text = this.#input.value.trim();
    if (text === '') {
      setText(byId('explain-error'), 'Paste a request first.');
      this.#input.focus();
      return;
    }
    try {
      const route = byId('show-prompt').checked ? 'explain?prompt=true' : 'explain';
      const decision = await ask(route, { method: 'POST', body: this.#body(text) });
      await showDetail('Where it would go', async () => renderDecision(decision));
    } catch (failure) {
      setText(byId('explain-error'), failure.message);
    }
  }

  /** Plain text is taken as a chat of one message. */
  #body(text) {
    if (text.startsWith('{')) return text;
    return JSON.stringify({ model: this.#model, messages: [{ role: 'user', content: text }] });
  }
}

function example(model) {
  return {
    model,
    messages: [
      { role: 'system', content: 'You are the harbour master of a small port.' },
      { role: 'user', content: 'Where does a boat of nine metres go?' },
    ],
  };
}
