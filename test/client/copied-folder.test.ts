/** A state folder that was copied or restored holds bundles that are spent: no mask is used for two images. */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import type { PassedSegment } from '../../client/index.ts';
import { openBundleStore } from '../../client/node/bundle-store.ts';
import { assertRight, image, newClient } from '../support/connected.ts';
import { runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const lines: Record<string, unknown>[] = [];
const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
const server = await runningServer({ logger });
const address = `127.0.0.1:${server.port}`;

/** Two clients, of a folder with bundles and of its copy. */
async function copied(count: number) {
  const stateFolder = temporaryFolder();
  const original = await newClient({ stateFolder }, address);
  await original.prepare({ count });
  const copyFolder = temporaryFolder();
  cpSync(stateFolder, copyFolder, { recursive: true });
  return { original, copy: await newClient({ stateFolder: copyFolder }, address), copyFolder };
}

test('a spent bundle in a copied folder stops the call before anything masked leaves, and sets the others aside', async () => {
  const { original, copy } = await copied(3);
  const { bundleId } = await original.classify(image);
  const passed: PassedSegment[] = [];
  const onSegment = (segment: PassedSegment) => passed.push(segment);
  await assert.rejects(copy.classify(image, { prepare: true, onSegment }), {
    code: 'bundle/spent',
    message: /copied, or restored .*2 other bundles .*set aside.*--confirm/,
  });
  assert.deepEqual(passed, []);
  assert.deepEqual(await copy.bundles(), []);
  assert.equal((await copy.setAsideBundles()).length, 2);
  const [line] = lines.splice(0);
  assert.equal(line.level, 40);
  assert.deepEqual([line.bundle, line.identity], [bundleId, 'anonymous']);
  assert.match(line.msg as string, /copied/);
  await assert.rejects(copy.classify(image), { code: 'bundle/none', message: /2 bundles .* set aside/ });
});

test('bundles prepared after the discovery are used, and those that were set aside once the person confirms', async () => {
  const { original, copy, copyFolder } = await copied(3);
  const spent = await original.classify(image);
  await assert.rejects(copy.classify(image), { code: 'bundle/spent' });
  await assertRight((await copy.classify(image, { prepare: true })).logits);
  await copy.close();
  const again = await newClient({ stateFolder: copyFolder }, address);
  assert.equal((await again.setAsideBundles()).length, 2, 'a new process knows of it');
  assert.equal(await again.confirmBundles(), 2);
  assert.equal(await again.confirmBundles(), 0);
  const { bundleId, logits } = await again.classify(image);
  await assertRight(logits);
  assert.notEqual(bundleId, spent.bundleId);
});

test('bundles that were set aside can be deleted, and the folder is as new then', async () => {
  const { original, copy } = await copied(2);
  await original.classify(image);
  await assert.rejects(copy.classify(image), { code: 'bundle/spent' });
  assert.equal(await copy.dropAll(), 1);
  assert.deepEqual(await copy.setAsideBundles(), []);
  await copy.prepare();
  assert.equal((await copy.bundles()).length, 1);
});

test('two copies that ask at once get one answer each: one classifies, the other is stopped', async () => {
  const { original, copy } = await copied(1);
  const outcomes = await Promise.allSettled([original.classify(image), copy.classify(image)]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const failed = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  assert.equal(failed.reason.code, 'bundle/spent');
});

test('a damaged note of what is set aside sets all of it aside', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder }, address);
  await client.prepare();
  const [name] = readdirSync(join(stateFolder, 'bundles'));
  writeFileSync(join(stateFolder, 'bundles', name, 'quarantine'), 'x');
  const store = await openBundleStore(stateFolder, address);
  assert.deepEqual(await store.list(), []);
  assert.equal((await store.listSetAside()).length, 1);
});

test('copies are set aside whatever the clock did, and bundles prepared afterwards are not', async (t) => {
  const now = Date.now;
  let shift = 3_600_000;
  t.mock.method(Date, 'now', () => now() + shift);
  const { original, copy } = await copied(2);
  shift = 0;
  await original.classify(image);
  await assert.rejects(copy.classify(image), { code: 'bundle/spent' });
  assert.deepEqual(await copy.bundles(), [], 'although it seems to be from the future');
  await assertRight((await copy.classify(image, { prepare: true })).logits);
  shift = -3_600_000;
  await assertRight((await copy.classify(image, { prepare: true })).logits);
  lines.splice(0);
});
