/** The client in every engine that is installed: the page reports what it got to the server that it came from. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { buildBrowser } from '../../browser/build.ts';
import { normalise } from '../../client/normalise.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { quantizeImage, stochasticRange } from '../../model/executor.ts';
import { network, runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { ENGINES } from './engines.ts';

const { card } = network;
const { width, height, mean, std } = card.preprocessing;
const random = seededRandom(7);
const rgb = Uint8Array.from({ length: 3 * width * height }, () => Math.floor(256 * random()));

/** What a page reports. */
interface Report {
  readonly durable?: boolean;
  readonly left?: number;
  readonly logits?: number[][];
  readonly error?: string;
}

/** Prepares three bundles, classifies one picture twice, and reports. */
const program = `
const report = (body) => fetch('/report', { method: 'POST', body: JSON.stringify(body) });
try {
  const { connect } = await import('./index.js');
  const client = await connect(location.hash.slice(1));
  await client.prepare({ count: 3 });
  const rgb = ${JSON.stringify([...rgb])};
  const rgba = Uint8ClampedArray.from({ length: ${4 * width * height} }, (_, i) => i % 4 === 3 ? 255 : rgb[3 * (i >> 2) + i % 4]);
  const image = new ImageData(rgba, ${width}, ${height});
  const outcomes = await client.classifyAll([image, image]);
  const logits = outcomes.map((outcome) => { if (outcome.reason) throw outcome.reason; return [...outcome.value.logits]; });
  await report({ durable: client.durable, left: (await client.bundles()).length, logits });
} catch (error) {
  await report({ error: error.message + ' ' + error.stack });
}`;

/** A browser that never reports ends the test (ms): far longer than one takes on a busy machine. */
const MOST_MS = 600_000;

const folder = temporaryFolder();
await buildBrowser(folder);

let onReport: (report: Report) => void = () => {};
const pages = createServer(async (request, response) => {
  if (request.method === 'POST') {
    onReport(JSON.parse(await text(request)));
    response.end();
    return;
  }
  const name = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1);
  const page = `<!doctype html><title>page</title><script type="module">${program}</script>`;
  const body = name === '' ? page : await readFile(join(folder, name)).catch(() => undefined);
  response.writeHead(body === undefined ? 404 : 200, {
    'content-type': name.endsWith('.js') ? 'text/javascript' : 'text/html',
  });
  response.end(body);
});
await new Promise<void>((resolve) => pages.listen(0, 'localhost', resolve));
after(() => {
  pages.close();
  pages.closeAllConnections();
});
const origin = `http://localhost:${(pages.address() as AddressInfo).port}`;
const server = await runningServer({ web: { address: '127.0.0.1:0', origins: [origin] } });

for (const { name, skip, open } of ENGINES)
  test(`${name} prepares and classifies as the plain network does`, { skip, timeout: MOST_MS }, async () => {
    const reported = new Promise<Report>((resolve) => {
      onReport = resolve;
    });
    await open(`${origin}/#ws://localhost:${server.webPort}`);
    const { durable, left, logits, error } = await reported;
    assert.equal(error, undefined);
    assert.equal(left, 1);
    const range = stochasticRange(network, quantizeImage(card, normalise(rgb, 3, mean, std)), 64, random);
    for (const values of logits as number[][])
      for (const [i, value] of values.entries()) {
        const units = value * 2 ** card.logitScaleBits;
        assert.ok(Math.abs(units - range.mean[i]) <= 8 * range.deviation[i], `logit ${i}: ${units}`);
      }
    assert.equal(typeof durable, 'boolean');
    if (name.includes('private')) assert.equal(durable, false);
    if (name === 'Chromium' || name === 'Firefox') assert.equal(durable, true);
  });
