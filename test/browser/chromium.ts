/** Debian's Chromium. */
import { existsSync } from 'node:fs';
import { after } from 'node:test';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

/** Why tests in a browser cannot run here; false if they can. */
export const skip = existsSync(CHROMIUM) ? false : `no ${CHROMIUM}`;

let browser: Browser | undefined;
after(() => browser?.close());

/** A visitor with storage of their own. */
export async function visitor(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  browser ??= await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  });
  return browser.newContext(options);
}
