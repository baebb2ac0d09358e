import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { outcome, ROOT, sphynx, start } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const page = readFileSync(join(ROOT, 'docs', 'getting-started.md'), 'utf8');

/** The commands of the page's section with this number, as they stand there. */
function commandsOf(section: number): string[] {
  const text = page.split(/^## /m)[section];
  return [...text.matchAll(/^npx sphynx ([^#\n]+)/gm)].map(([, command]) => command.trim());
}

const blockOf = (language: string) => {
  const [, block] = page.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms')) ?? [];
  assert.ok(block, `a block of ${language}`);
  return block;
};

// The two machines: folders as `npm install` leaves them.
const [server, client] = ['server', 'client'].map(() => temporaryFolder());
const env = { SPHYNX_STATE: join(client, 'state') };
let serving: ChildProcess | undefined;
let address: string;

before(() => {
  for (const machine of [server, client]) {
    mkdirSync(join(machine, 'node_modules'));
    symlinkSync(ROOT, join(machine, 'node_modules', 'sphynx-pi'), 'dir');
  }
});
after(() => serving?.kill('SIGKILL'));

test('the page on getting started sets up a server over TLS', { timeout: 120_000 }, async () => {
  const [certs, tokens, check, serve] = commandsOf(3);
  assert.equal((await sphynx(certs.split(/\s+/), {}, server)).code, 0);
  const { stdout } = await sphynx(tokens.split(/\s+/), {}, server);
  const [token, line] = [/sphynx_\S+/, /alice sha256:\S+/].map((part) => stdout.match(part)?.[0] ?? '');
  writeFileSync(join(server, 'pki', 'tokens'), `${line}\n`);
  writeFileSync(join(client, 'token'), `${token}\n`, { mode: 0o600 });
  copyFileSync(join(server, 'pki', 'ca.pem'), join(client, 'ca.pem'));
  // Any free port in place of the page's, which another server of this machine may have.
  writeFileSync(join(server, 'server.yaml'), blockOf('yaml').replace(':50051', ':0'));
  const checked = await sphynx(check.split(/\s+/), {}, server);
  assert.equal(checked.code, 0, checked.stderr);
  serving = start(serve.split(/\s+/), {}, server);
  const port = await new Promise<string>((resolve, reject) => {
    let said = '';
    serving?.stdout?.on('data', (text) => {
      said += text;
      const [, found] = said.match(/^serving sphynx-c100-25k on 0\.0\.0\.0:(\d+)$/m) ?? [];
      if (found) resolve(found);
    });
    serving?.once('exit', () => reject(new Error(`the server ended: ${said}`)));
  });
  address = `localhost:${port}`;
});

for (const command of commandsOf(4))
  test(`the page's \`sphynx ${command.replace(/ +/g, ' ')}\` works`, { timeout: 300_000 }, async () => {
    const args = command.replace('sphynx.example:50051', address).replace('--count 4', '--count 1');
    const { code, stderr } = await sphynx(args.split(/\s+/), env, client);
    assert.equal(code, 0, stderr);
  });

test("the page's program works", { timeout: 300_000 }, async () => {
  const sdk = pathToFileURL(join(ROOT, 'client', 'index.ts')).href;
  const program = blockOf('js').replace("'sphynx-pi'", `'${sdk}'`).replace('sphynx.example:50051', address);
  writeFileSync(join(client, 'program.mjs'), program);
  const run = spawn(process.execPath, ['program.mjs'], { cwd: client, env: { ...process.env, ...env } });
  const { code, stdout, stderr } = await outcome(run);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^orange$/m);
});

test('the server of the page stops when it is told to', { timeout: 60_000 }, async () => {
  assert.ok(serving);
  const ended = once(serving, 'exit');
  serving.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
