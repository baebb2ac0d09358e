import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { BrowserClient } from '../../browser/index.ts';
import { normalise } from '../../client/normalise.ts';
import { quantizeImage, runInteger } from '../../model/executor.ts';
import { network, runningServer } from '../support/running-server.ts';
import { connectedPage, ORIGIN } from './bare-page.ts';
import { skip, visitor } from './chromium.ts';

declare const client: BrowserClient;

const server = await runningServer({ web: { address: '127.0.0.1:0', origins: [ORIGIN] } });
const port = server.webPort as number;
const { card } = network;

/** An image of noise at the model's size, which needs no scaling. */
function noise(): Uint8ClampedArray<ArrayBuffer> {
  const { width, height } = card.preprocessing;
  const pixels = crypto.getRandomValues(new Uint8ClampedArray(4 * width * height));
  return pixels.map((value, i) => (i % 4 === 3 ? 255 : value));
}

/** Logits that the tab gets privately for RGBA pixels. */
function classify(page: Page, pixels: Uint8ClampedArray): Promise<number[]> {
  return page.evaluate(
    async ({ bytes, width, height }) => {
      const image = new ImageData(new Uint8ClampedArray(bytes), width, height);
      return [...(await client.classify(image)).logits];
    },
    { bytes: [...pixels], ...card.preprocessing },
  );
}

/** Logits of the integer executor, in their real unit. */
function expected(pixels: Uint8ClampedArray): number[] {
  const { mean, std } = card.preprocessing;
  const colours = new Uint8Array(pixels).filter((_, i) => i % 4 !== 3);
  const image = quantizeImage(card, normalise(colours, 3, mean, std));
  return Array.from(runInteger(network, image, () => 0).logits, (value) => value / 2 ** card.logitScaleBits);
}

function assertClose(actual: number[], plain: number[]): void {
  const spread = Math.max(...plain) - Math.min(...plain);
  const most = 0.05 * spread + 64 / 2 ** card.logitScaleBits;
  assert.equal(actual.length, plain.length);
  for (const [i, value] of actual.entries())
    assert.ok(Math.abs(value - plain[i]) <= most, `${actual} for ${plain}`);
}

const prepare = (page: Page, count: number) =>
  page.evaluate(async (count) => (await client.prepare({ count })).length, count);
const ready = (page: Page) => page.evaluate(async () => (await client.bundles()).length);

test('a page prepares bundles and classifies images to the logits of the plain network', {
  skip,
}, async () => {
  const page = await connectedPage(await visitor(), port);
  assert.equal(await prepare(page, 3), 3);
  for (let left = 2; left >= 0; left--) {
    const pixels = noise();
    assertClose(await classify(page, pixels), expected(pixels));
    assert.equal(await ready(page), left);
  }
  await assert.rejects(classify(page, noise()), /no bundle|prepare/);
});

test('bundles outlive a reload, and another visitor has none', { skip }, async () => {
  const context = await visitor();
  const page = await connectedPage(context, port);
  await prepare(page, 1);
  await page.close();
  const again = await connectedPage(context, port);
  assert.equal(await ready(again), 1);
  assert.equal(await ready(await connectedPage(await visitor(), port)), 0);
  const pixels = noise();
  assertClose(await classify(again, pixels), expected(pixels));
});

test('two tabs never spend one bundle', { skip }, async () => {
  const context = await visitor();
  const [one, two] = [await connectedPage(context, port), await connectedPage(context, port)];
  await prepare(one, 1);
  const pixels = noise();
  const outcomes = await Promise.allSettled([classify(one, pixels), classify(two, pixels)]);
  const right = outcomes.filter(({ status }) => status === 'fulfilled');
  assert.equal(right.length, 1);
  assertClose((right[0] as PromiseFulfilledResult<number[]>).value, expected(pixels));
  assert.deepEqual([await ready(one), await ready(two)], [0, 0]);
});

test('a tab that closes in the middle of a preparation leaves nothing that could be spent', {
  skip,
}, async () => {
  const context = await visitor();
  const page = await connectedPage(context, port);
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        client.prepare({ count: 2, onProgress: ({ bytes }) => bytes > 0 && resolve() }).catch(() => {});
      }),
  );
  await page.close();
  const again = await connectedPage(context, port);
  const left = await ready(again);
  assert.ok(left < 2);
  assert.equal(await again.evaluate(() => client.clear()), left);
  assert.equal(await ready(again), 0);
  await prepare(again, 1);
  const pixels = noise();
  assertClose(await classify(again, pixels), expected(pixels));
});

test('a page from an origin that the server does not list gets a clear error', { skip }, async () => {
  const strict = await runningServer({ web: { address: '127.0.0.1:0' } });
  const opening = connectedPage(await visitor(), strict.webPort as number);
  await assert.rejects(opening, /cannot reach a server.*pages of this origin/);
});

test('a browser without room says so, before a preparation or in the middle of it', { skip }, async () => {
  const little = 'navigator.storage.estimate = async () => ({ quota: 1e6, usage: 0 });';
  const full = `let written = 0;
    const { write } = FileSystemSyncAccessHandle.prototype;
    FileSystemSyncAccessHandle.prototype.write = function (bytes, options) {
      written += bytes.length;
      if (written > 1e5) throw new DOMException('no room', 'QuotaExceededError');
      return write.call(this, bytes, options);
    };`;
  for (const script of [little, full]) {
    const page = await connectedPage(await visitor(), port, script);
    await assert.rejects(prepare(page, 1), /free some space/);
    assert.equal(await ready(page), 0);
  }
});

test('an inference whose connection breaks uses its bundle up, and the next one takes another', {
  skip,
}, async () => {
  const breaking = `let sent = 0;
    globalThis.WebSocket = class extends WebSocket {
      send(bytes) {
        super.send(bytes);
        if (this.url.endsWith('/Infer') && ++sent === 4) this.close();
      }
    };`;
  const page = await connectedPage(await visitor(), port, breaking);
  await prepare(page, 2);
  await assert.rejects(classify(page, noise()), /broke in the middle of the inference; try again/);
  assert.equal(await ready(page), 1);
  const pixels = noise();
  assertClose(await classify(page, pixels), expected(pixels));
  assert.equal(await ready(page), 0);
});

test('a model whose plan takes for ever is abandoned, and the page continues', { skip }, async () => {
  // As deriving a plan does: without a pause in which the worker would hear anything.
  const hang = `addEventListener('message', ({ data }) => {
    if (data.given?.model === 'hostile') for (;;);
  });`;
  const page = await connectedPage(await visitor(), port, hang, { planMs: 100 });
  for (const call of ["modelCard('hostile')", "prepare({ model: 'hostile' })"])
    await assert.rejects(page.evaluate(`client.${call}`), /too complex/);
  assert.equal(await prepare(page, 1), 1);
  assert.equal(await ready(page), 1);
});

/** Runs `script` in the first worker of a tab only, or in the others only. */
const inWorkers = (which: 'first' | 'others', script: string) => `{
  const getDirectory = navigator.storage.getDirectory.bind(navigator.storage);
  navigator.storage.getDirectory = async () => {
    const first = await new Promise((resolve) =>
      navigator.locks.request('first', { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock && new Promise(() => {});
      }));
    if (first === ${which === 'first'}) { ${script} }
    return getDirectory();
  };
}`;

test('a plan that takes for ever is also noticed when the page opens', { skip }, async () => {
  const hang = inWorkers(
    'first',
    `const say = postMessage;
    globalThis.postMessage = (message) => {
      say(message);
      if (message.result?.durable) for (;;);
    };`,
  );
  const page = await connectedPage(await visitor(), port, hang, { planMs: 100 });
  await assert.rejects(page.evaluate('client.models()'), /too complex/);
  assert.equal((await page.evaluate(() => client.models())).length, 1);
});

test('a worker that finds no storage does not prepare bundles that another one could not use', {
  skip,
}, async () => {
  const locked = inWorkers('others', "throw new DOMException('not here', 'SecurityError');");
  const page = await connectedPage(await visitor(), port, locked);
  await assert.rejects(prepare(page, 1), /storage was available to only one of the client's workers/);
  assert.equal(await ready(page), 0);
});

test('what keeps the client from starting is said in words', { skip }, async () => {
  const page = await connectedPage(await visitor(), port);
  const connectAgain = (worker?: string) =>
    page.evaluate(
      async ({ address, worker }) => {
        const { connect } = await import(`${location.origin}/index.js`);
        await connect(address, { worker });
      },
      { address: `ws://localhost:${port}`, worker },
    );
  const elsewhere = connectAgain('https://elsewhere.invalid/worker.js');
  await assert.rejects(elsewhere, /serve worker.js from the page's own origin/);
  await page.evaluate(() => Object.defineProperty(globalThis, 'isSecureContext', { value: false }));
  await assert.rejects(connectAgain(), /serve it over https/);
});

test('an error names an unreachable server, and the bundles stay', { skip }, async () => {
  const mortal = await runningServer({ web: { address: '127.0.0.1:0', origins: [ORIGIN] } });
  const page = await connectedPage(await visitor(), mortal.webPort as number);
  await prepare(page, 1);
  await mortal.stop({ graceMs: 0 });
  await assert.rejects(prepare(page, 1), /cannot reach a server/);
  await assert.rejects(classify(page, noise()), /cannot reach a server/);
  assert.equal(await ready(page), 1);
});
