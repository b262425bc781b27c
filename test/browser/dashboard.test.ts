// The page in a real browser, in front of a real router.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { loadPromptEncoder, shippedTokenizer } from '../../src/sim/model-encoder.js';
import { closeBrowser, newPage, noBrowser, textChanged } from '../support/browser.js';
import { type DemoProcess, startDemo } from '../support/demo-process.js';
import { firstSnapshot } from '../support/live-snapshot.js';
import { post } from '../support/openai-client.js';
import { startRouter, TEST_MODEL } from '../support/router.js';
import { startSims } from '../support/sim-engine.js';

/** Pictures of the runs, for people. */
const ARTEFACTS = 'dist/screenshots';
const SKIP = { skip: noBrowser };

let demo: DemoProcess | null = null;
before(async () => {
  if (noBrowser !== false) return;
  mkdirSync(ARTEFACTS, { recursive: true });
  demo = await startDemo('--speedup', '4');
});
after(async () => {
  await closeBrowser();
  if (demo !== null) assert.equal(await demo.stop(), 0, 'the demo ends in order');
});

const pageUrl = () => `${demo?.adminUrl}/`;

test(
  'the demo is alive within seconds: fleet, numbers that move, decisions',
  SKIP,
  async (context) => {
    const { page, problems } = await newPage(context);
    await page.goto(pageUrl());
    await page.locator('#connection[data-state=live]').waitFor();
    await page.locator('#decisions tr').first().waitFor();
    assert.equal(await page.locator('#fleet .card').count(), 3);
    const saved = page.locator('#numbers .main').first();
    const first = await saved.textContent();
    await textChanged(saved, first);
    await page.locator('#charts path.warm[d*=L]').first().waitFor({ state: 'attached' });
    await page.locator('#fleet .card[data-state=exact]').nth(2).waitFor();
    // The index is young, and each prompt is at one engine or at several.
    const shares = page.locator('#index-shares');
    await shares.locator('li', { hasText: /^under 10 min 100 %$/ }).waitFor();
    await shares.locator('li', { hasText: /^1 endpoint [\d.]+ %$/ }).waitFor();
    await page.locator('#score-legend li', { hasText: 'prefix-cache-scorer' }).waitFor();
    await page.screenshot({ path: `${ARTEFACTS}/light.png`, fullPage: true });
    assert.deepEqual(problems, []);
  },
);

test(
  'a chosen decision shows every endpoint, its blocks as a strip, and its scores',
  SKIP,
  async (context) => {
    const { page, problems } = await newPage(context);
    await page.goto(pageUrl());
    await page.locator('#pause').click();
    const row = page.locator('#decisions tr').first();
    const endpoint = await row.locator('.endpoint').textContent();
    // By keyboard, as a screen reader would.
    await row.getByRole('button').focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.locator('.candidates').waitFor();
    assert.equal(await dialog.locator('.candidates tbody tr').count(), 3);
    assert.equal(await dialog.locator('.candidates .strip').count(), 3);
    const picked = dialog.locator('tr.picked');
    assert.match((await picked.locator('th').textContent()) ?? '', new RegExp(`^${endpoint}`));
    assert.match(
      (await dialog.locator('.verdict').textContent()) ?? '',
      /holds [\d,]+ of [\d,]+ blocks/,
    );
    await page.keyboard.press('Escape');
    assert.equal(await dialog.count(), 0);
    assert.deepEqual(problems, []);
  },
);

test(
  'switching the prefix weight to 0 shows in the comparison and in the plan',
  SKIP,
  async (context) => {
    const { page, problems } = await newPage(context);
    await page.goto(pageUrl());
    await page.locator('#demo [data-weight="0"]').click();
    await page.locator('#demo [data-weight="0"][aria-pressed=true]').waitFor();
    await page.locator('#plan', { hasText: '0 x prefix-cache-scorer' }).waitFor();
    await page.locator('#comparison tr.now', { hasText: /^0 \(now\).*last [1-9]/ }).waitFor();
    await page.locator('#charts .marks line').first().waitFor({ state: 'attached' });
    await page.locator('#demo [data-weight="2"]').click();
    await page.locator('#plan', { hasText: '2 x prefix-cache-scorer' }).waitFor();
    await page.locator('#demo [data-traffic=false]').click();
    await page.locator('#demo [data-traffic=false][aria-pressed=true]').waitFor();
    await page.locator('#demo [data-traffic=true]').click();
    await page.locator('#demo [data-traffic=true][aria-pressed=true]').waitFor();
    assert.deepEqual(problems, []);
  },
);

test(
  'dark and on a phone the page is whole: nothing sticks out sideways',
  SKIP,
  async (context) => {
    const { page, problems } = await newPage(context, {
      viewport: { width: 390, height: 844 },
      colorScheme: 'dark',
      isMobile: true,
    });
    await page.goto(pageUrl());
    await page.locator('#decisions tr').first().waitFor();
    const wide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    assert.equal(await page.evaluate<number>(wide), 0);
    const dark = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const [red = 255] = dark.match(/\d+/g)?.map(Number) ?? [];
    assert.ok(red < 60, `background ${dark}`);
    await page.screenshot({ path: `${ARTEFACTS}/phone-dark.png`, fullPage: true });
    assert.deepEqual(problems, []);
  },
);

test('the policy stops an inline script, and the page never needed one', SKIP, async (context) => {
  const { page, problems } = await newPage(context);
  await page.goto(pageUrl());
  const ran = await page.evaluate<boolean>(`(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.injected = true';
    document.body.append(script);
    return 'injected' in globalThis;
  })()`);
  assert.equal(ran, false);
  assert.ok(problems.some((text) => /Content Security Policy/.test(text)));
});

const encoder = noBrowser === false ? await loadPromptEncoder(shippedTokenizer()) : null;

test(
  'a request appears with the endpoint it went to, and explain agrees',
  SKIP,
  async (context) => {
    assert.ok(encoder !== null);
    const sims = await startSims(context, 3, { encoder, model: TEST_MODEL });
    const { url, adminUrl } = await startRouter(context, sims);
    const { page, problems } = await newPage(context);
    await page.goto(adminUrl);
    await page.locator('#decisions-empty').waitFor();
    assert.equal(
      await page.locator('#demo').isVisible(),
      false,
      'no demo switches on a real router',
    );
    const body = {
      model: TEST_MODEL,
      max_tokens: 2,
      messages: [{ role: 'user', content: 'Where does a boat of nine metres go? '.repeat(20) }],
    };
    const answer = await post(`${url}/v1/chat/completions`, body);
    const endpoint = String(answer.headers['x-warmpath-endpoint']);
    const row = page.locator('#decisions tr').first();
    await row.locator('.endpoint', { hasText: endpoint }).waitFor();

    await page.locator('#request').fill(JSON.stringify(body));
    await page.getByRole('button', { name: 'Explain' }).click();
    const verdict = page.locator('dialog .verdict strong');
    await verdict.waitFor();
    assert.equal(await verdict.textContent(), endpoint);
    assert.equal(await page.locator('dialog .candidates tbody tr').count(), 3);
    assert.equal(await page.locator('dialog .prompt').count(), 0);
    await page.keyboard.press('Escape');
    await page.getByLabel('Show the prompt').check();
    await page.getByRole('button', { name: 'Explain' }).click();
    const prompt = page.locator('dialog .prompt pre');
    await prompt.waitFor();
    assert.match((await prompt.textContent()) ?? '', /^<\|im_start\|>user\nWhere does a boat/);
    await page.keyboard.press('Escape');

    await page.locator('#request').fill('{"model": "nobody", "messages": []}');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator('#explain-error', { hasText: /./ }).waitFor();
    assert.equal(await page.locator('dialog').isVisible(), false);
    // The browser itself reports the answer with status 400 or 404.
    assert.deepEqual(
      problems.filter((text) => !/status of 40[04]/.test(text)),
      [],
    );
  },
);

test(
  'an engine that is killed turns red within 3 s, and back when it is up again',
  SKIP,
  async (context) => {
    assert.ok(encoder !== null);
    const sims = await startSims(context, 2, { encoder, model: TEST_MODEL });
    const { adminUrl } = await startRouter(context, sims);
    const { page } = await newPage(context);
    await page.goto(adminUrl);
    const card = page.locator('[data-endpoint=b]');
    await card.and(page.locator(':not([data-state=out])')).waitFor();
    sims[1]?.refuseConnections();
    await card.and(page.locator('[data-state=out]')).waitFor({ timeout: 3000 });
    assert.match((await card.locator('.reason').textContent()) ?? '', /\w/);
    await sims[1]?.listen();
    await card.and(page.locator(':not([data-state=out])')).waitFor();
  },
);

/** Two snapshots of one fleet of 500, in which every endpoint's load differs. */
function largeFleet(snapshot: string): string {
  const [endpoint] = JSON.parse(snapshot).endpoints;
  const events = [3, 9].map((inflight) => {
    const endpoints = Array.from({ length: 500 }, (_, i) => {
      return { ...endpoint, name: `engine-${i}`, trust: 'exact', inflight, kvUsage: i / 500 };
    });
    return `data: ${JSON.stringify({ ...JSON.parse(snapshot), endpoints })}\n\n`;
  });
  return `retry: 60000\n\n${events.join('')}`;
}

test(
  '500 endpoints are tiles that stay in place while their numbers change',
  SKIP,
  async (context) => {
    assert.ok(encoder !== null);
    const sims = await startSims(context, 1, { encoder, model: TEST_MODEL });
    const { adminUrl } = await startRouter(context, sims);
    const body = largeFleet(await firstSnapshot(adminUrl));
    const { page, problems } = await newPage(context);
    await page.route('**/live', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body }),
    );
    await page.goto(adminUrl);
    const last = page.locator('#fleet li').nth(499);
    await last.locator('.tile', { hasText: '9' }).waitFor();
    assert.equal(await page.locator('#fleet .tile').count(), 500);
    assert.equal(await last.getAttribute('data-state'), 'exact');
    assert.match(
      (await last.locator('.tile').getAttribute('aria-label')) ?? '',
      /^engine-499: exact, 9 /,
    );
    const ms = await page.evaluate<number>(`(async () => {
    const { FleetMap } = await import('/fleet-map.js');
    const endpoints = (inflight) => Array.from({ length: 500 }, (_, i) => ({
      name: 'engine-' + i, available: true, trust: 'exact', inflight, kvUsage: i / 500, hitRatio: 0.5, events: null,
    }));
    const map = new FleetMap();
    map.draw({ sources: [], endpoints: endpoints(0) });
    const start = performance.now();
    for (let i = 1; i <= 20; i += 1) map.draw({ sources: [], endpoints: endpoints(i) });
    return (performance.now() - start) / 20;
  })()`);
    context.diagnostic(`${ms.toFixed(2)} ms to draw 500 endpoints again`);
    assert.ok(ms < 100, `${ms} ms a second are too many`);
    assert.deepEqual(problems, []);
  },
);

test('a fleet without endpoints says so, and why', SKIP, async (context) => {
  assert.ok(encoder !== null);
  const sims = await startSims(context, 1, { encoder, model: TEST_MODEL });
  const { adminUrl } = await startRouter(context, sims);
  const failure = 'pods cannot be listed (403)';
  const source = {
    model: 'm',
    kind: 'kubernetes',
    endpoints: 0,
    told: false,
    failures: 3,
    failure,
  };
  const snapshot = JSON.parse(await firstSnapshot(adminUrl));
  const event = JSON.stringify({ ...snapshot, endpoints: [], sources: [source] });
  const { page, problems } = await newPage(context);
  await page.route('**/live', (route) =>
    route.fulfill({
      contentType: 'text/event-stream',
      body: `retry: 60000\n\ndata: ${event}\n\n`,
    }),
  );
  await page.goto(adminUrl);
  await page.locator('#fleet-empty').waitFor();
  await page.getByRole('alert').filter({ hasText: failure }).waitFor();
  assert.deepEqual(problems, []);
});
