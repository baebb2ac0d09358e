/** A bare page with the bundled client. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { after } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { buildBrowser } from '../../browser/build.ts';
import type { ConnectOptions } from '../../browser/index.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** What a page may do, which is all that the client needs. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self' ws://localhost:*";

const folder = temporaryFolder();
const built = buildBrowser(folder);

async function serveFiles(): Promise<Server> {
  await built;
  const server = createServer(async (request, response) => {
    const name = request.url?.slice(1) ?? '';
    const body =
      name === ''
        ? '<!doctype html><title>bare</title>'
        : await readFile(join(folder, name)).catch(() => null);
    response.writeHead(body === null ? 404 : 200, {
      'content-type': TYPES[extname(name)] ?? 'text/html',
      'content-security-policy': POLICY,
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return server;
}

const files = await serveFiles();

/** Where the page comes from. */
export const ORIGIN = `http://localhost:${(files.address() as AddressInfo).port}`;

after(() => {
  files.close();
  files.closeAllConnections();
});

/**
 * A tab in which `globalThis.client` is connected to the server at `port`. `sabotage`: a script that the worker runs
 * first.
 */
export async function connectedPage(
  context: BrowserContext,
  port: number,
  sabotage = '',
  deadlines: ConnectOptions['deadlines'] = {},
): Promise<Page> {
  const worker = `worker-${randomBytes(4).toString('hex')}.js`;
  writeFileSync(join(folder, worker), `${sabotage}\n${readFileSync(join(folder, 'worker.js'), 'utf8')}`);
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.goto(ORIGIN);
  await page.evaluate(
    async ({ address, ...options }) => {
      const { connect } = await import(`${location.origin}/index.js`);
      Object.assign(globalThis, { client: await connect(address, options) });
    },
    { address: `ws://localhost:${port}`, worker, deadlines },
  );
  return page;
}
