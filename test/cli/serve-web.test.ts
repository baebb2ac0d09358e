import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { serveConfig } from '../../cli/serve.ts';
import { PAGE_FOLDER } from '../../server/web/page.ts';
import { buildPage } from '../../web/build.ts';
import { fileOf } from '../support/keys.ts';
import { ROOT, start } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('--web serves the page on the given address, else on the configured one, else on the default port', () => {
  const config = fileOf('web: { listen: "127.0.0.1:8443", origins: ["https://app.example.org"] }');
  const web = (options: object) => serveConfig(options).web;
  assert.deepEqual(web({ web: true }), { page: true, listen: '127.0.0.1:8080' });
  assert.deepEqual(web({ web: '127.0.0.1:9000' }), { page: true, listen: '127.0.0.1:9000' });
  assert.equal(web({ config, web: true })?.listen, '127.0.0.1:8443');
  assert.equal(web({ config })?.page, undefined);
  assert.equal(web({}), undefined);
  assert.throws(() => web({ config: fileOf('web: { page: true }') }), /web\.listen: say where/);
});

test('serve --web prints where the page is, serves what the build wrote, and ends with Ctrl-C', async () => {
  assert.equal(PAGE_FOLDER, join(ROOT, 'dist', 'web'));
  await buildPage(PAGE_FOLDER);
  const options = ['--web', '127.0.0.1:0', '--listen', '127.0.0.1:0', '--state', temporaryFolder()];
  const child = start(['--json', 'serve', ...options, '--log-level', 'silent']);
  after(() => child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout as Readable), 'line');
  const { page } = JSON.parse(line);
  const html = await (await fetch(page)).text();
  for (const [, file] of html.matchAll(/(?:src|href)="([^"]+\.\w+)"/g))
    assert.equal((await fetch(new URL(file, page))).status, 200, file);
  assert.equal((await fetch(new URL('worker.js', page))).status, 200);
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
});
