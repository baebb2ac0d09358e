/** The page itself, as a server gives it to a visitor. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { after } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { normalise } from '../../client/normalise.ts';
import { quantizeImage, runInteger } from '../../model/executor.ts';
import type { ServerOptions } from '../../server/index.ts';
import { buildPage } from '../../web/build.ts';
import { firstMessage } from '../support/first-message.ts';
import { network, runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What a worker of the page can be made to do first, by name. */
const SABOTAGE = `({
  // Says nothing more in an inference after its third message, so that it stays in the middle.
  stall() {
    let sent = 0;
    globalThis.WebSocket = class extends WebSocket {
      send(bytes) {
        if (!this.url.endsWith('/Infer') || ++sent <= 3) super.send(bytes);
        else console.log('stalled');
      }
    };
  },
  // Prepares slowly, so that twenty bundles are not ready before a test does what it does in the middle.
  pace() {
    let last = Promise.resolve();
    globalThis.WebSocket = class extends WebSocket {
      send(bytes) {
        if (!this.url.endsWith('/Preprocess')) return super.send(bytes);
        last = last
          .then(() => new Promise((resolve) => setTimeout(resolve, 100)))
          .then(() => this.readyState === 1 && super.send(bytes));
      }
    };
  },
  // A private window without storage.
  closed() {
    navigator.storage.getDirectory = async () => { throw new DOMException('', 'SecurityError'); };
  },
})[location.search.slice(1)]?.();`;

/** What a browser does not take without its type. */
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
};

const folder = temporaryFolder();
const built = buildPage(folder).then(() => {
  const worker = join(folder, 'worker.js');
  writeFileSync(worker, `${SABOTAGE}\n${readFileSync(worker, 'utf8')}`);
});

/** A server with the page and, unless told otherwise, a small random network. */
export async function pageServer(options: Partial<ServerOptions> = {}) {
  await built;
  return runningServer({ web: { address: '127.0.0.1:0', page: folder }, ...options });
}

/**
 * A static server of somebody else's with the page, as docs/browser.md says to set it up for models elsewhere. Those are
 * at `address()` by the time somebody opens the page. Gives its port.
 */
export async function staticHost(address: () => string): Promise<number> {
  await built;
  const host = createServer((request, response) => {
    const path = join(folder, request.url === '/' ? 'index.html' : (request.url as string));
    const content = readFileSync(path);
    response.writeHead(200, {
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      'content-security-policy': `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' ${address()}; img-src 'self' blob:; style-src 'self'`,
    });
    const meta = 'name="sphynx-server" content="';
    response.end(path.endsWith('.html') ? content.toString().replace(meta, meta + address()) : content);
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  after(() => {
    host.close();
    host.closeAllConnections();
  });
  return (host.address() as AddressInfo).port;
}

/** The same in a process of its own, to be killed; with the records and the port of one that was killed, if given. */
export async function mortalServer({ state = temporaryFolder(), port = 0 } = {}) {
  await built;
  const script = join(import.meta.dirname, '..', 'support', 'server-process.ts');
  const child = fork(script, [state, folder, String(port)]);
  const webPort = await firstMessage<number>(child);
  return {
    webPort,
    state,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/**
 * Opens the page in a tab of its own. From then on a request to elsewhere, a violation of the policy and a fault of the
 * page fail the test that calls `check`. `sabotage`: what the page's workers do first; `script`: what the page runs first.
 */
export async function openPage(
  context: BrowserContext,
  { webPort }: { webPort: number | undefined },
  { sabotage, script = '' }: { sabotage?: 'stall' | 'pace' | 'closed'; script?: string } = {},
): Promise<Page & { check(): void }> {
  const origin = `http://127.0.0.1:${webPort}`;
  const wrong: string[] = [];
  const page = await context.newPage();
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith(`blob:${origin}/`)) wrong.push(`request ${url}`);
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('console', (message) => {
    if (/content security policy|permissions.policy/i.test(message.text())) wrong.push(message.text());
  });
  await page.addInitScript(script);
  if (sabotage !== undefined)
    await page.addInitScript((name) => {
      globalThis.Worker = class extends Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(`${url}?${name}`, options);
        }
      };
    }, sabotage);
  await page.goto(origin);
  return Object.assign(page, { check: () => assert.deepEqual(wrong, []) });
}

/** Waits until the page is connected. */
export async function connected<Opened extends Page>(opening: Promise<Opened>): Promise<Opened> {
  const page = await opening;
  await page.locator('#desk').waitFor();
  return page;
}

/** A picture of noise at the network's size, which needs no scaling, and what the network makes of it in plaintext. */
export interface TestPicture {
  readonly file: { readonly name: string; readonly mimeType: string; readonly buffer: Buffer };
  /** RGB. */
  readonly pixels: Uint8Array;
  readonly label: string;
}

/** One whose class is beyond doubt: rounding in the protocol does not change it. */
export async function testPicture(): Promise<TestPicture> {
  const { card } = network;
  const { width, height, mean, std } = card.preprocessing;
  for (;;) {
    const pixels = new Uint8Array(randomBytes(3 * width * height));
    const image = quantizeImage(card, normalise(pixels, 3, mean, std));
    const { logits } = runInteger(network, image, () => 0);
    const [first, second, ...others] = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);
    const spread = logits[first] - logits[others[others.length - 1]];
    if (logits[first] - logits[second] < 0.15 * spread + 128) continue;
    const buffer = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    return {
      file: { name: 'noise.png', mimeType: 'image/png', buffer },
      pixels,
      label: card.labels[first].replaceAll('_', ' '),
    };
  }
}

/** Chooses the picture, and gives the label that the page shows for it. */
export async function ask(page: Page, { file }: TestPicture): Promise<string> {
  await page.locator('#file').setInputFiles(file);
  return nextAnswer(page);
}

/** The label of the answer that comes, which must not be there yet. */
export async function nextAnswer(page: Page): Promise<string> {
  const top = page.locator('#answer-top');
  await top.filter({ hasText: /./ }).waitFor();
  // The next one is not taken for this one.
  return top.evaluate((element) => {
    const { textContent } = element;
    element.textContent = '';
    return textContent;
  });
}

/** Chooses a picture on a page that stalls, and waits until it does. */
export async function stall(page: Page): Promise<void> {
  const stalled = page.waitForEvent('console', (message) => message.text() === 'stalled');
  await page.locator('#file').setInputFiles((await testPicture()).file);
  await stalled;
}

/** Prepares bundles with the form, and waits until they are ready. */
export async function prepare(page: Page, count: number): Promise<void> {
  const before = await ready(page);
  await page.locator('#count').fill(String(count));
  await page.locator('#prepare-toggle').click();
  await hasReady(page, before + count);
  await page.getByRole('button', { name: 'Prepare', exact: true }).waitFor();
}

/** Bundles that are ready, as the page says. */
export async function ready(page: Page): Promise<number> {
  return Number.parseInt(await page.locator('#bundles-ready').innerText(), 10) || 0;
}

/** Waits until so many bundles are ready; without a number, until one is or more. */
export async function hasReady(page: Page, count?: number): Promise<void> {
  const text = count === 0 ? 'nothing yet' : new RegExp(`^${count ?? '\\d+'} picture`);
  await page.locator('#bundles-ready').filter({ hasText: text }).waitFor();
}

/** What the page says went wrong. */
export async function problem(page: Page): Promise<string> {
  await page.locator('#problem').waitFor();
  return page.locator('#problem').innerText();
}

/** RGB of a canvas. */
export function pixelsOf(page: Page, id: string): Promise<number[]> {
  return page.locator(`#${id}`).evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return [...data].filter((_, i) => i % 4 !== 3);
  });
}
