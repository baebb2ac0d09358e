/** Browsers of Debian that tests drive. */
import { existsSync } from 'node:fs';
import { after } from 'node:test';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  firefox,
} from 'playwright-core';

/** A browser engine under control. */
export interface Driven {
  readonly name: 'Chromium' | 'Firefox';
  /** Why tests cannot run in it here; false if they can. */
  readonly skip: string | false;
  /** A visitor with storage of their own. */
  visitor(options?: BrowserContextOptions): Promise<BrowserContext>;
}

/** How long a page may take for one step (ms): minutes, since the machine may be busy. */
const WAIT_MS = 180_000;

/** An engine whose program is started when the first visitor comes, and ended when the test file is done. */
function driven(name: Driven['name'], program: string, launch: () => Promise<Browser>): Driven {
  let browser: Promise<Browser> | undefined;
  after(async () => (await browser)?.close());
  return {
    name,
    skip: existsSync(program) ? false : `no ${program}`,
    async visitor(options = {}) {
      browser ??= launch();
      const context = await (await browser).newContext(options);
      context.setDefaultTimeout(WAIT_MS);
      return context;
    },
  };
}

const CHROMIUM_PROGRAM = '/usr/bin/chromium';
const FIREFOX_PROGRAM = '/usr/bin/firefox-esr';

export const CHROMIUM = driven('Chromium', CHROMIUM_PROGRAM, () =>
  chromium.launch({
    executablePath: CHROMIUM_PROGRAM,
    args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  }),
);

/** Over WebDriver BiDi: Debian's program has none of Playwright's patches. */
export const FIREFOX = driven('Firefox', FIREFOX_PROGRAM, () =>
  firefox.launch({
    channel: 'moz-firefox',
    executablePath: FIREFOX_PROGRAM,
    firefoxUserPrefs: { 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true },
  }),
);
