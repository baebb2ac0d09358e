import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { makePlan } from '../../protocol/plan.ts';
import { newToken } from '../../server/identity/token-file.ts';
import { network } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { skip, visitor } from './chromium.ts';
import { readFiles, restoreFiles } from './origin-files.ts';
import {
  ask,
  connected,
  hasReady,
  mortalServer,
  nextAnswer,
  openPage,
  pageServer,
  pixelsOf,
  prepare,
  problem,
  ready,
  stall,
  staticHost,
  testPicture,
} from './real-page.ts';

const server = await pageServer();

test('the page prepares three bundles and answers three pictures as the plain network does', {
  skip,
}, async () => {
  const page = await connected(openPage(await visitor(), server));
  await prepare(page, 3);
  const masked: number[][] = [];
  const first = await testPicture();
  // The first picture comes again: the server must not know it again.
  for (const [i, picture] of [first, await testPicture(), first].entries()) {
    assert.equal(await ask(page, picture), picture.label);
    await hasReady(page, 2 - i);
    assert.equal(await page.locator('#answer-bars li').count(), 5);
    assert.deepEqual(await pixelsOf(page, 'view-original'), [...picture.pixels]);
    masked.push(await pixelsOf(page, 'view-masked'));
    assert.equal(await page.locator('#rounds-body tr').count(), network.card.layers.length);
  }
  const same = masked[0].filter((value, i) => value === masked[2][i]);
  assert.ok(same.length < 0.1 * masked[0].length, 'two masks of one picture have little in common');
  assert.equal(masked[0].length, first.pixels.length);
  page.check();
});

test('the page can neither call other servers nor run foreign scripts', { skip }, async () => {
  for (const attempt of [
    "fetch('https://elsewhere.invalid/')",
    "new WebSocket('wss://elsewhere.invalid/')",
    "new Image().src = 'https://elsewhere.invalid/'",
    "document.body.append(Object.assign(document.createElement('script'), { textContent: 'document.title = 1' }))",
  ]) {
    const page = await openPage(await visitor(), server);
    const said = page.waitForEvent('console', (message) => /content security policy/i.test(message.text()));
    await page.evaluate(attempt).catch(() => {});
    await said;
    assert.throws(() => page.check());
    assert.notEqual(await page.title(), '1');
  }
});

test('bundles outlive a reload, until they are cleared', { skip }, async () => {
  const page = await connected(openPage(await visitor(), server));
  await prepare(page, 2);
  await page.reload();
  await hasReady(page, 2);
  const picture = await testPicture();
  assert.equal(await ask(page, picture), picture.label);
  await page.getByRole('button', { name: 'Clear all' }).click();
  await hasReady(page, 0);
  page.check();
});

test('bundles that are set aside, because one was used elsewhere, can be cleared', { skip }, async () => {
  const page = await connected(openPage(await visitor(), server));
  await prepare(page, 2);
  await readFiles(page);
  const picture = await testPicture();
  assert.equal(await ask(page, picture), picture.label);
  await restoreFiles(page);
  await page.locator('#file').setInputFiles(picture.file);
  assert.match(await problem(page), /used elsewhere.*clear the remaining bundles/is);
  await hasReady(page, 0);
  await page.getByRole('button', { name: 'Clear all' }).click();
  await page.locator('#clear:disabled').waitFor();
  assert.equal(await readFiles(page), 0);
});

test('the keyboard alone can choose a picture, take a sample, prepare, stop and clear', {
  skip,
}, async () => {
  const page = await connected(openPage(await visitor(), server, { sabotage: 'pace' }));
  const picture = await testPicture();
  const focused = () =>
    page.evaluate(() => {
      const { id, value } = document.activeElement as HTMLInputElement;
      return id || value;
    });
  const tabTo = async (wanted: string) => {
    for (let i = 0; (await focused()) !== wanted; i++) {
      assert.ok(i < 30, `no way to ${wanted} with the Tab key`);
      await page.keyboard.press('Tab');
    }
  };
  await tabTo('file');
  const choosing = page.waitForEvent('filechooser');
  await page.keyboard.press('Space');
  await (await choosing).setFiles(picture.file);
  assert.equal(await nextAnswer(page), picture.label);
  assert.match(await page.locator('#said').innerText(), new RegExp(`^${picture.label}, [\\d.]+%, after`));
  await tabTo('samples/rocket.png');
  await page.keyboard.press('Enter');
  await page.locator('#preview[alt=rocket]').waitFor();
  await nextAnswer(page);
  await tabTo('count');
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('20');
  await page.keyboard.press('Enter');
  await hasReady(page);
  await tabTo('prepare-toggle');
  assert.equal(await page.locator('#prepare-toggle').innerText(), 'Stop');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Prepare', exact: true }).waitFor();
  assert.ok((await ready(page)) < 20);
  assert.equal(await page.locator('#problem').isVisible(), false);
  await tabTo('clear');
  await page.keyboard.press('Enter');
  await hasReady(page, 0);
  page.check();
});

test('a picture can also be dropped, pasted, or taken with the camera', { skip }, async () => {
  const page = await connected(openPage(await visitor({ permissions: ['camera'] }), server));
  const { file, label } = await testPicture();
  const transfer = await page.evaluateHandle(
    (bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], 'noise.png', { type: 'image/png' }));
      return data;
    },
    [...file.buffer],
  );
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: transfer });
  assert.equal(await nextAnswer(page), label);
  await page.evaluate(
    (clipboardData) => document.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true })),
    transfer,
  );
  await nextAnswer(page);
  await page.getByRole('button', { name: 'Use the camera' }).click();
  await page.getByRole('button', { name: 'Take the picture' }).click();
  await page.locator('#preview[alt="picture from the camera"]').waitFor();
  await nextAnswer(page);
  page.check();
});

test('the camera opens once, however often its button is clicked', { skip }, async () => {
  const script = `globalThis.streams = [];
    const { getUserMedia } = MediaDevices.prototype;
    MediaDevices.prototype.getUserMedia = async function (...wanted) {
      const stream = await getUserMedia.apply(this, wanted);
      streams.push(stream);
      return stream;
    };`;
  const page = await connected(openPage(await visitor({ permissions: ['camera'] }), server, { script }));
  await page.locator('#camera-open').evaluate((button: HTMLButtonElement) => {
    button.click();
    button.click();
  });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('#camera-open:enabled').waitFor();
  const states = 'streams.map((stream) => stream.getTracks()[0].readyState).join()';
  assert.equal(await page.evaluate(states), 'ended');
  page.check();
});

test('two tabs that race for one bundle both answer, one with a bundle of its own', { skip }, async () => {
  const context = await visitor();
  const tabs = [await connected(openPage(context, server)), await connected(openPage(context, server))];
  await prepare(tabs[0], 1);
  await hasReady(tabs[1], 1);
  const picture = await testPicture();
  const labels = await Promise.all(tabs.map((tab) => ask(tab, picture)));
  assert.deepEqual(labels, [picture.label, picture.label]);
  const masked = await Promise.all(tabs.map((tab) => pixelsOf(tab, 'view-masked')));
  assert.notDeepEqual(masked[0], masked[1]);
  for (const tab of tabs) await hasReady(tab, 0);
});

test('a tab that closes in a preparation or an inference leaves whole bundles, and none that was in use', {
  skip,
}, async () => {
  const context = await visitor();
  const preparing = await connected(openPage(context, server, { sabotage: 'pace' }));
  await preparing.locator('#count').fill('20');
  await preparing.locator('#prepare-toggle').click();
  await hasReady(preparing);
  await preparing.close();
  const page = await connected(openPage(context, server, { sabotage: 'stall' }));
  const left = await ready(page);
  assert.ok(left >= 1 && left < 20);
  await stall(page);
  await page.close();
  const again = await connected(openPage(context, server));
  await hasReady(again, left - 1);
  for (let rest = left - 2; rest >= 0; rest--) {
    const picture = await testPicture();
    assert.equal(await ask(again, picture), picture.label);
    await hasReady(again, rest);
  }
});

test('a server that is killed in a preparation or an inference is missed, and ready bundles stay', {
  skip,
}, async () => {
  const context = await visitor();
  const first = await mortalServer();
  const page = await connected(openPage(context, first, { sabotage: 'pace' }));
  await page.locator('#count').fill('20');
  await page.locator('#prepare-toggle').click();
  await hasReady(page);
  await first.kill();
  assert.match(await problem(page), /(server cannot be reached|connection to the server broke).*try again/is);
  const left = await ready(page);
  assert.ok(left >= 1 && left < 20);
  const second = await mortalServer({ state: first.state, port: first.webPort });
  const picture = await testPicture();
  assert.equal(await ask(page, picture), picture.label);
  await hasReady(page, left - 1);
  await prepare(page, 2);
  const asking = await connected(openPage(context, second, { sabotage: 'stall' }));
  await stall(asking);
  await second.kill();
  assert.match(await problem(asking), /connection to the server broke.*discarded/is);
  await hasReady(asking, left);
  await asking.getByRole('button', { name: 'Try again' }).click();
  await asking.getByText('The server cannot be reached').waitFor();
  await hasReady(asking, left);
});

test('full storage is reported with a remedy', { skip }, async () => {
  const context = await visitor();
  const page = await connected(openPage(context, server));
  const browser = await context.newCDPSession(page);
  const origin = `http://127.0.0.1:${server.webPort}`;
  // Three bundles are prepared, and there is room for fewer.
  const quotaSize = Math.floor(2.5 * makePlan(network.card).bundleBytes);
  await browser.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
  await page.locator('#prepare-toggle').click();
  assert.match(await problem(page), /storage.*free some space/is);
  const left = await ready(page);
  await browser.send('Storage.overrideQuotaForOrigin', { origin });
  await page.getByRole('button', { name: 'Try again' }).click();
  await hasReady(page, left + 3);
  assert.equal(await page.locator('#problem').isVisible(), false);
});

test('browsers that are too old get a notice', { skip }, async () => {
  const old = await openPage(await visitor(), server, {
    script: 'delete ArrayBuffer.prototype.transfer;',
  });
  assert.match(await problem(old), /too old.*update/is);
});

test('a private window without storage keeps bundles in memory, says so, and answers all the same', {
  skip,
}, async () => {
  const page = await openPage(await visitor(), server, { sabotage: 'closed' });
  await page.getByText('bundles are kept in memory, and end with this tab').waitFor();
  await prepare(page, 1);
  const picture = await testPicture();
  assert.equal(await ask(page, picture), picture.label);
  await page.reload();
  await hasReady(page, 0);
});

test('visitors without identity are asked for a token', { skip }, async () => {
  const { token, line } = newToken('alice');
  const tokens = join(temporaryFolder(), 'tokens');
  writeFileSync(tokens, `${line}\n`);
  const page = await openPage(await visitor(), await pageServer({ identity: { tokens } }));
  assert.match(await problem(page), /who you are/);
  const enter = async (text: string) => {
    await page.getByLabel('Access token').fill(text);
    await page.getByRole('button', { name: 'Connect' }).click();
  };
  await enter(newToken('alice').token);
  await page.getByText('does not take this token').waitFor();
  await enter(token);
  await page.locator('#desk').waitFor();
  const picture = await testPicture();
  assert.equal(await ask(page, picture), picture.label);
  // As when the token has expired; the client that had it ends.
  const [old] = page.workers();
  const ended = old.waitForEvent('close');
  await page.locator('#identity').evaluate((form: HTMLFormElement) => form.requestSubmit());
  await ended;
  assert.equal(await ask(page, picture), picture.label);
});

test('classes of a server that withholds logits are shown without probabilities', { skip }, async () => {
  for (const [output, count] of [
    ['label', 0],
    ['top-3', 3],
  ] as const) {
    const page = await connected(openPage(await visitor(), await pageServer({ output })));
    const picture = await testPicture();
    assert.equal(await ask(page, picture), picture.label);
    assert.equal(await page.locator('#answer-bars li').count(), count);
    assert.doesNotMatch(await page.locator('#answer-given').innerText(), /%/);
    assert.match(await page.locator('#answer-note').innerText(), /but not/);
  }
});

test('visitors can choose among several models', { skip }, async () => {
  const other = randomModel({ C: 1, D: 2, reduceAt: [0], size: 8, classes: 4 });
  const models = [network, { ...other, card: { ...other.card, name: 'other' } }];
  const page = await connected(openPage(await visitor(), await pageServer({ models })));
  const names = await page.getByLabel('Model').locator('option').allInnerTexts();
  assert.deepEqual(names.sort(), [network.card.name, 'other'].sort());
  await page.getByLabel('Model').selectOption('other');
  await page.getByText('other knows 4 kinds of things').waitFor();
  await ask(page, await testPicture());
  assert.equal(await page.locator('#answer-bars li').count(), 4);
});

test('the latest choice of a model counts, also if an earlier one is answered later', { skip }, async () => {
  const other = randomModel({ C: 1, D: 2, reduceAt: [0], size: 8, classes: 4 });
  // The page begins with the other one, by the order of their names.
  const models = [network, { ...other, card: { ...other.card, name: 'zoo' } }];
  // Holds the question for the model 'zoo' back until release() is called, which resolves after the answer.
  const script = `const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (message, ...more) {
      if (message.name !== 'modelCard' || message.given.model !== 'zoo')
        return postMessage.call(this, message, ...more);
      globalThis.release = () => new Promise((resolve) => {
        this.addEventListener('message', ({ data }) => data.id === message.id && setTimeout(resolve));
        postMessage.call(this, message, ...more);
      });
    };`;
  const page = await connected(openPage(await visitor(), await pageServer({ models }), { script }));
  for (const name of ['zoo', network.card.name]) await page.getByLabel('Model').selectOption(name);
  await page.evaluate('release()');
  const facts = page.locator('#model-facts');
  await facts.filter({ hasText: network.card.name }).waitFor();
  assert.doesNotMatch(await facts.innerText(), /^zoo/);
  await ask(page, await testPicture());
  assert.equal(await page.locator('#answer-bars li').count(), 5);
});

test('a page that is hosted elsewhere calls the server that it names', { skip }, async () => {
  let models = '';
  const webPort = await staticHost(() => models);
  const origins = [`http://127.0.0.1:${webPort}`];
  const apart = await pageServer({ web: { address: '127.0.0.1:0', origins } });
  models = `ws://127.0.0.1:${apart.webPort}`;
  const page = await connected(openPage(await visitor(), { webPort }));
  const picture = await testPicture();
  assert.equal(await ask(page, picture), picture.label);
  page.check();
});

test('files that are not pictures are reported as such', { skip }, async () => {
  const page = await connected(openPage(await visitor(), server));
  const file = { name: 'text.png', mimeType: 'image/png', buffer: Buffer.from('no picture') };
  await page.locator('#file').setInputFiles(file);
  assert.match(await problem(page), /picture cannot be read.*another file/is);
});
