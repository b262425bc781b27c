// The dialog for whatever was chosen: a decision or an endpoint.
import { byId, element, setText } from './dom.js';

const dialog = byId('detail');
byId('close').addEventListener('click', () => dialog.close());
// A click on the backdrop lands on the dialog itself.
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});

/**
 * @param {string} title
 * @param {() => Promise<Node>} load What to show; a failure is shown instead.
 */
export async function showDetail(title, load) {
  setText(byId('detail-title'), title);
  byId('detail-body').replaceChildren(element('p', { class: 'hint' }, 'loading'));
  if (!dialog.open) dialog.showModal();
  try {
    byId('detail-body').replaceChildren(await load());
  } catch (failure) {
    byId('detail-body').replaceChildren(element('p', { class: 'error' }, failure.message));
  }
}

/** JSON of a route; throws an Error with the router's own message. */
export async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error?.message ?? `status ${response.status}`);
  return body;
}
