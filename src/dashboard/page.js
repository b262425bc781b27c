// The page: listens to the router and hands each snapshot to the parts that draw it.
import { Charts } from './charts.js';
import { DecisionList } from './decision-list.js';
import { DemoPanel } from './demo-panel.js';
import { byId, setText } from './dom.js';
import { ExplainBox } from './explain-box.js';
import { FleetMap } from './fleet-map.js';
import { IndexShares } from './index-shares.js';
import { IndexTables } from './index-tables.js';
import { Numbers } from './numbers.js';

const parts = [
  new DemoPanel(),
  new Numbers(),
  new Charts(),
  new FleetMap(),
  new DecisionList(),
  new ExplainBox(),
  new IndexShares(),
  new IndexTables(),
];

/** Without a snapshot for so long the page no longer claims to be live. */
const STALE_MS = 4000;
let lastSeenMs = 0;

function show(state, text) {
  const connection = byId('connection');
  connection.dataset.state = state;
  document.body.dataset.state = state;
  setText(connection, text);
}

function draw(snapshot) {
  lastSeenMs = performance.now();
  show('live', 'live');
  setText(byId('plan'), `${snapshot.version} · ${snapshot.plan}`);
  for (const part of parts) part.draw(snapshot);
}

const source = new EventSource('live');
let newest = null;
// A tab in the background draws nothing; it has the newest snapshot when it is looked at again.
source.addEventListener('message', ({ data }) => {
  newest = data;
  if (!document.hidden) draw(JSON.parse(data));
});
source.addEventListener('error', () => show('lost', 'no connection, trying again'));
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && newest !== null) draw(JSON.parse(newest));
});
setInterval(() => {
  const isLive = byId('connection').dataset.state === 'live';
  if (isLive && performance.now() - lastSeenMs > STALE_MS) show('lost', 'nothing heard');
}, 1000);
