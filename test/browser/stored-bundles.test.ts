/** Bundles that a browser keeps and that can no longer be used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { BrowserClient } from '../../browser/index.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { network, runningServer } from '../support/running-server.ts';
import { connectedPage, ORIGIN } from './bare-page.ts';
import { skip, visitor } from './chromium.ts';
import { readFiles, restoreFiles } from './origin-files.ts';

declare const client: BrowserClient;

const web = { address: '127.0.0.1:0', origins: [ORIGIN] };
const server = await runningServer({ web });
const port = server.webPort as number;

const prepare = (page: Page, count: number) =>
  page.evaluate(async (count) => (await client.prepare({ count })).length, count);
const ready = (page: Page) => page.evaluate(async () => (await client.bundles()).length);
const classify = (page: Page) =>
  page.evaluate(
    async ({ width, height }) => (await client.classify(new ImageData(width, height))).bundleId,
    network.card.preprocessing,
  );

test('bundles that have expired are not ready, and are erased when a page connects or prepares', {
  skip,
}, async () => {
  const context = await visitor();
  const page = await connectedPage(
    context,
    port,
    'const { now } = Date; Date.now = () => now() + ahead; let ahead = 0; addEventListener("message", ({ data }) => { if (data.name === "bundles") ahead = 4e11; });',
  );
  await prepare(page, 2);
  assert.equal(await ready(page), 0);
  assert.equal(await readFiles(page), 2);
  const later = 'const { now } = Date; Date.now = () => now() + 4e11;';
  await page.close();
  const again = await connectedPage(context, port, later);
  assert.equal(await readFiles(again), 0);
});

test('bundles of a model that the server has removed are erased', { skip }, async () => {
  const context = await visitor();
  const before = await runningServer({ web });
  const page = await connectedPage(context, before.webPort as number);
  await prepare(page, 1);
  await page.close();
  await before.stop({ graceMs: 0 });
  const other = randomModel({ C: 1, D: 1, reduceAt: [], size: 8, classes: 4 });
  const address = `127.0.0.1:${before.webPort}`;
  await runningServer({ web: { ...web, address }, models: [other] });
  const again = await connectedPage(context, before.webPort as number);
  while ((await readFiles(again)) > 0) await again.waitForTimeout(50);
});

test('after a bundle was used elsewhere the others are set aside, until the page confirms them', {
  skip,
}, async () => {
  const page = await connectedPage(await visitor(), port);
  await prepare(page, 2);
  await readFiles(page);
  await classify(page);
  await restoreFiles(page);
  await assert.rejects(classify(page), (error: Error) => {
    assert.match(error.message, /client\.clear\(\).*client\.confirmBundles\(\)/);
    assert.doesNotMatch(error.message, /sphynx bundles/);
    return true;
  });
  assert.equal(await ready(page), 0);
  await assert.rejects(classify(page), /1 bundles .* set aside/);
  assert.equal((await page.evaluate(() => client.setAsideBundles())).length, 1);
  assert.equal(await page.evaluate(() => client.confirmBundles()), 1);
  await classify(page);
  assert.equal(await ready(page), 0);
});
