// A real browser for the length of one test file: Debian's chromium through playwright-core.
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executable = [process.env['WARMPATH_TEST_CHROMIUM'] ?? '', ...PLACES].find(existsSync);

/** Why browser tests cannot run here, for the report; false: they can. */
export const noBrowser: string | false =
  executable === undefined ? 'no chromium here (apt-get install chromium)' : false;

let browser: Promise<Browser> | null = null;

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}

export interface WatchedPage {
  readonly page: Page;
  /** What the page wrote to the console as error or warning, threw, or asked of another host. */
  readonly problems: readonly string[];
}

/** A page that is not open yet, closed when the test ends. */
export async function newPage(
  test: TestContext,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  browser ??= chromium.launch({
    ...(executable === undefined ? {} : { executablePath: executable }),
    // CI runs as root inside a container, where the sandbox has no user namespace.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  const context = await (await browser).newContext({
    viewport: { width: 1360, height: 900 },
    ...options,
  });
  test.after(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'data:' && hostname !== '127.0.0.1') problems.push(`asked ${request.url()}`);
  });
  return { page, problems };
}

/** Ends when the element's text is another one; fails after 20 s. */
export async function textChanged(element: Locator, before: string | null): Promise<void> {
  const deadline = performance.now() + 20_000;
  while ((await element.textContent()) === before) {
    if (performance.now() > deadline) throw new Error(`the text stayed ${before}`);
    await element.page().waitForTimeout(50);
  }
}
