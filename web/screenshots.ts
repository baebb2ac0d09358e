/**
 * Takes the page's pictures for the docs, with its own server and model, in Debian's Chromium. `npm run screenshots`
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, chromium, devices } from 'playwright-core';
import sharp from 'sharp';
import { buildPage } from './build.ts';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'docs', 'web');

const DEVICES = {
  desktop: { viewport: { width: 1180, height: 900 } },
  phone: { ...devices['iPhone 13'], deviceScaleFactor: 1.5 },
};

/** Starts `sphynx serve --web` as a separate process; returns the page's address. */
async function startServer(state: string): Promise<{ url: string; stop(): Promise<unknown> }> {
  const options = [
    '--web',
    '127.0.0.1:0',
    '--listen',
    '127.0.0.1:0',
    '--state',
    state,
    '--log-level',
    'warn',
  ];
  const child = spawn(process.execPath, [join(ROOT, 'cli', 'main.ts'), '--json', 'serve', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  return {
    url: JSON.parse(line).page,
    stop() {
      child.kill();
      return once(child, 'exit');
    },
  };
}

/** Captures the whole page after an answer. */
async function shoot(
  browser: Browser,
  url: string,
  device: keyof typeof DEVICES,
  colorScheme: 'light' | 'dark',
): Promise<void> {
  const context = await browser.newContext({ ...DEVICES[device], colorScheme });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('#desk').waitFor();
  await page.locator('#prepare-toggle').click();
  await page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Prepare', exact: true }).waitFor();
  await page.getByRole('button', { name: 'orange' }).click();
  await page.locator('#answer-given').waitFor();
  await page.mouse.move(0, 0);
  const shot = await page.screenshot({ fullPage: true });
  // A small palette is enough, even for the noise.
  await sharp(shot)
    .png({ palette: true, quality: 90 })
    .toFile(join(OUT, `${device}-${colorScheme}.png`));
  await context.close();
}

await buildPage(join(ROOT, 'dist', 'web'));
mkdirSync(OUT, { recursive: true });
const state = mkdtempSync(join(tmpdir(), 'sphynx-screenshots-'));
const server = await startServer(state);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  for (const device of ['desktop', 'phone'] as const)
    for (const scheme of ['light', 'dark'] as const) await shoot(browser, server.url, device, scheme);
} finally {
  await browser.close();
  await server.stop();
  rmSync(state, { recursive: true, force: true });
}
