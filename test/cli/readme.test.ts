import assert from 'node:assert/strict';
import { fork, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { firstMessage } from '../support/first-message.ts';
import { outcome, ROOT, sphynx } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const state = temporaryFolder();
let server: string;

const child = fork(join(ROOT, 'test', 'support', 'server-process.ts'), [temporaryFolder()]);
after(() => child.kill('SIGKILL'));
before(async () => {
  const port = await firstMessage<number>(child);
  server = `127.0.0.1:${port}`;
});

/** Puts a photograph that is there in the place of the README's. */
const withPhotos = (text: string) =>
  text
    .replace(/(?:node_modules\/sphynx-pi\/)?samples\/orange\.png/g, 'photo.png')
    .replace(/\b(photo|holiday)\.(jpg|png)\b/g, join(ROOT, 'samples', 'orange.png'));

test('every npm script that the README names is there', () => {
  const named = [...readme.matchAll(/npm (?:run )?(?:-s )?([a-z:]+)/g)].map(([, name]) => name);
  const own = named.filter((name) => !['ci', 'install', 'pack', 'run'].includes(name));
  assert.ok(own.includes('demo') && own.includes('test'));
  for (const name of own) assert.ok(name in scripts, `npm run ${name}`);
});

for (const [, line] of readme.matchAll(/^(?:npm run|npx) sphynx (?:-- )?([^#\n]+)/gm)) {
  const args = line.trim().split(/\s+/);
  // A server of its own would take the customary port: its options alone are checked.
  if (args[0] === 'serve')
    test(`the README's \`sphynx ${line.trim()}\` is understood`, async () => {
      assert.equal((await sphynx([...args, '--help'])).code, 0);
    });
  else
    test(`the README's \`sphynx ${line.trim()}\` works`, async () => {
      const { code, stderr } = await sphynx(args.map(withPhotos), {
        SPHYNX_SERVER: server,
        SPHYNX_STATE: state,
      });
      assert.equal(code, 0, stderr);
    });
}

for (const [, code] of readme.matchAll(/^```ts\n(.*?)^```/gms))
  test('the example program of the README runs', async () => {
    const file = join(state, 'example.ts');
    const sdk = pathToFileURL(join(ROOT, 'client', 'index.ts')).href;
    const program = withPhotos(code)
      .replaceAll("'sphynx-pi'", `'${sdk}'`)
      .replaceAll(/'127\.0\.0\.1:\d+'/g, `'${server}'`);
    writeFileSync(file, program);
    const run = spawn(process.execPath, [file], { env: { ...process.env, SPHYNX_STATE: state } });
    const { code: status, stdout, stderr } = await outcome(run);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /class \d/);
  });
