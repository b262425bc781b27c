// The big numbers: each with a line below it that puts it into proportion.
import { byId, count, duration, element, percent, setText } from './dom.js';

const NUMBERS = [
  {
    label: 'Prefill saved',
    main: ({ total }) => `${count(total.savedTokens)} tokens`,
    below: ({ total }) => {
      const share = total.promptTokens === 0 ? null : total.savedTokens / total.promptTokens;
      return `${percent(share)} of all, ${total.savedAsReported ? 'engines report' : 'predicted'}`;
    },
  },
  {
    label: 'Cache hits, last minute',
    main: ({ minute }) => percent(minute.hitActual ?? minute.hitPredicted),
    below: ({ minute }) =>
      minute.hitActual === null
        ? 'no engine reports its own'
        : `predicted ${percent(minute.hitPredicted)}`,
  },
  {
    label: 'Decision',
    main: ({ minute }) => duration(minute.decisionP50Ms),
    below: ({ minute }) => `p99 ${duration(minute.decisionP99Ms)}`,
  },
  {
    label: 'First token',
    main: ({ minute }) => duration(minute.ttftP50Ms),
    below: ({ minute }) => `p99 ${duration(minute.ttftP99Ms)}`,
  },
  {
    label: 'In flight',
    main: ({ inflightRequests }) => count(inflightRequests),
    below: ({ queued, minute }) => {
      const waiting = queued === 0 ? '' : `, ${count(queued)} queued`;
      return `${count(minute.requests)} in the last minute${waiting}`;
    },
  },
];

export class Numbers {
  #cells = NUMBERS.map(({ label }) => {
    const main = element('dd', { class: 'main' });
    const below = element('dd', { class: 'below' });
    byId('numbers').append(
      element('div', { class: 'panel' }, element('dt', {}, label), main, below),
    );
    return { main, below };
  });

  draw(snapshot) {
    for (const [i, { main, below }] of this.#cells.entries()) {
      setText(main, NUMBERS[i].main(snapshot));
      setText(below, NUMBERS[i].below(snapshot));
    }
  }
}
