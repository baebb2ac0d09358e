import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { runningServer } from '../../support/running-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const folder = join(temporaryFolder(), 'page');
cpSync(join(import.meta.dirname, '../../../web'), folder, { recursive: true });
const html = '<!doctype html>'.padEnd(2000);
writeFileSync(join(folder, 'index.html'), html);
writeFileSync(join(folder, '..', 'outside.html'), 'outside');
const server = await runningServer({ web: { address: '127.0.0.1:0', page: folder } });

interface Answer {
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** Asks for exactly this path, which fetch would make tidy. */
function ask(path: string, { method = 'GET', headers = {} } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: server.webPort, path, method, headers }, async (response) => {
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece);
      const body = Buffer.concat(pieces).toString();
      resolve({ status: response.statusCode, headers: response.headers, body });
    });
    asked.once('error', reject);
    asked.end();
  });
}

test('the page comes with a policy that lets it run its own code and call its own server, and no more', async () => {
  const { status, headers, body } = await ask('/?from=elsewhere');
  assert.equal(status, 200);
  assert.equal(body, html);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  const policy = new Map(
    String(headers['content-security-policy'])
      .split('; ')
      .map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1).join(' ')]),
  );
  assert.equal(policy.get('default-src'), "'none'");
  assert.equal(policy.get('script-src'), "'self' 'wasm-unsafe-eval'");
  for (const kind of ['worker-src', 'connect-src', 'style-src']) assert.equal(policy.get(kind), "'self'");
  for (const kind of ['base-uri', 'form-action', 'frame-ancestors']) assert.equal(policy.get(kind), "'none'");
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.match(String(headers['permissions-policy']), /camera=\(self\), microphone=\(\)/);
});

test('paths that are no file of the page lead nowhere', async () => {
  const elsewhere = ['/../outside.html', '/..%2foutside.html', '/%2e%2e/outside.html', '//outside.html'];
  const none = [
    '/page.ts',
    '/index.html',
    '/Page.css',
    '/page.css/',
    '/constructor',
    '/__proto__',
    '/./page.css',
  ];
  for (const path of [...elsewhere, ...none]) {
    const { status, headers, body } = await ask(path);
    assert.equal(status, 404, path);
    assert.equal(body, '');
    assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  }
  assert.equal((await ask('/page.css')).status, 200);
});

test('the page answers only requests that read files', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await ask('/', { method });
    assert.equal(status, 405);
    assert.equal(headers.allow, 'GET, HEAD');
  }
  const { status, headers, body } = await ask('/', { method: 'HEAD' });
  assert.deepEqual([status, headers['content-length'], body], [200, String(html.length), '']);
});

test('unchanged files are not sent again, and Brotli is used where accepted', async () => {
  const { headers } = await ask('/');
  const again = await ask('/', { headers: { 'if-none-match': headers.etag } });
  assert.deepEqual([again.status, again.body], [304, '']);
  const small = await ask('/', { headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(small.headers['content-encoding'], 'br');
  assert.ok(Number(small.headers['content-length']) < html.length / 10);
});

test('a server is not started with a page that is not built', async () => {
  const starting = runningServer({ web: { address: '127.0.0.1:0', page: temporaryFolder() } });
  await assert.rejects(starting, { code: 'config/invalid', message: /build:web/ });
});
