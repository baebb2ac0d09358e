/** A small page that uses the package as applications do, built for production by three bundlers and run in Chromium. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { after, test } from 'node:test';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { buildBrowser } from '../../browser/build.ts';
import { newToken } from '../../server/identity/token-file.ts';
import { fileOf } from '../support/keys.ts';
import { network, runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { skip, visitor } from './chromium.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};

const { width, height } = network.card.preprocessing;

/** The application: classifies a picture that it draws, and writes the answer into its title. */
const program = (entry: string) => `
import { connect } from '${entry}';
const canvas = Object.assign(document.createElement('canvas'), { width: ${width}, height: ${height} });
canvas.getContext('2d').fillRect(0, 0, 4, 4);
const [address, token] = location.hash.slice(1).split('|');
const client = await connect(address, { token: () => token }).catch((error) => {
  document.title = error.message;
  throw error;
});
await client.prepare();
const [outcome] = await client.classifyAll([canvas]);
document.title = outcome.status === 'fulfilled' ? outcome.value.top[0].label : outcome.reason.message;
client.close();
`;

/** Puts the package into a folder's node_modules, as npm would. */
async function install(folder: string): Promise<void> {
  const installed = join(folder, 'node_modules', 'sphynx-pi');
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  await built;
  symlinkSync(dist, join(installed, 'dist'));
}

/** A folder with the application and the installed package. */
async function application(entry: string): Promise<string> {
  const folder = temporaryFolder();
  await install(folder);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }');
  writeFileSync(join(folder, 'main.js'), program(entry));
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><title>waiting</title><script type="module" src="./main.js"></script>',
  );
  return folder;
}

const visitorToken = newToken('visitor');
const tokens = fileOf(visitorToken.line, 'tokens');

const dist = temporaryFolder();
const built = buildBrowser(join(dist, 'browser'));

/** Serves a built folder, and gives its origin. */
async function served(folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1) || 'index.html';
    try {
      const body = readFileSync(join(folder, name));
      response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'text/plain' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

/** What the built application answers. */
async function answer(folder: string): Promise<string> {
  const origin = await served(folder);
  const server = await runningServer({
    web: { address: '127.0.0.1:0', origins: [origin] },
    identity: { tokens },
  });
  const page = await (await visitor()).newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.goto(`${origin}/#ws://localhost:${server.webPort}|${visitorToken.token}`);
  await page.waitForFunction("document.title !== 'waiting'", undefined, { timeout: 0 });
  return page.title();
}

const copyPage = (folder: string, script: string) =>
  writeFileSync(
    join(folder, 'built', 'index.html'),
    `<!doctype html><title>waiting</title><script type="module" src="./${script}"></script>`,
  );

const BUILDS: Record<string, { entry: string; build(folder: string): Promise<unknown> }> = {
  Vite: {
    entry: 'sphynx-pi/browser',
    build: (folder) =>
      vite({
        root: folder,
        configFile: false,
        logLevel: 'error',
        build: { outDir: 'built', target: 'es2022' },
      }),
  },
  webpack: {
    entry: 'sphynx-pi/browser',
    build: (folder) =>
      new Promise<void>((resolve, reject) =>
        webpack(
          {
            mode: 'production',
            context: folder,
            entry: './main.js',
            experiments: { outputModule: true },
            output: { path: join(folder, 'built'), filename: 'main.js', module: true },
          },
          (error, stats) => {
            const problem = error ?? (stats?.hasErrors() ? new Error(stats.toString()) : undefined);
            if (problem) return reject(problem);
            copyPage(folder, 'main.js');
            resolve();
          },
        ),
      ),
  },
  esbuild: {
    entry: 'sphynx-pi/browser/inline',
    build: async (folder) => {
      await esbuild({
        absWorkingDir: folder,
        entryPoints: ['main.js'],
        outdir: 'built',
        bundle: true,
        minify: true,
        format: 'esm',
        logLevel: 'error',
      });
      copyPage(folder, 'main.js');
    },
  },
};

for (const [name, { entry, build }] of Object.entries(BUILDS))
  test(`a page that ${name} builds for production runs without a file that somebody copied`, {
    skip,
  }, async () => {
    const folder = await application(entry);
    await build(folder);
    assert.match(await answer(join(folder, 'built')), /^class \d+$/);
  });

test('a page whose worker was left behind is told what to do', { skip }, async () => {
  const folder = await application('sphynx-pi/browser');
  await (BUILDS.esbuild as { build(folder: string): Promise<unknown> }).build(folder);
  assert.match(
    await answer(join(folder, 'built')),
    /worker\.js cannot be loaded.*sphynx-pi\/browser\/inline/,
  );
});

test('the example of a page, as Vite builds it, answers a picture', { skip }, async () => {
  const folder = temporaryFolder();
  cpSync(join(ROOT, 'examples', 'page'), folder, { recursive: true });
  await install(folder);
  await vite({ root: folder, configFile: false, logLevel: 'error' });
  const origin = await served(join(folder, 'dist'));
  const { webPort } = await runningServer({ web: { address: '127.0.0.1:0', origins: [origin] } });
  const page = await (await visitor()).newPage();
  await page.goto(`${origin}/#ws://localhost:${webPort}`);
  await page.getByText('ready', { exact: true }).waitFor();
  await page.locator('#file').setInputFiles(join(ROOT, 'samples', 'apple.png'));
  await page.getByText(/^class \d+$/).waitFor();
});
