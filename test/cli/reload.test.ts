/** What SIGHUP makes of a changed configuration. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { sphynx, start } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('SIGHUP applies changed limits, names fields that need a restart, and survives a wrong file', {
  skip: process.platform === 'win32',
}, async (t) => {
  const folder = temporaryFolder();
  const file = join(folder, 'server.yaml');
  const write = (content: object) => writeFileSync(file, stringify(content));
  const base = { listen: '127.0.0.1:0', state: 'state', limits: { bundlesPerStream: 1 } };
  write({ ...base, log: { level: 'error' } });
  const server = start(['--json', 'serve', '--config', file]);
  t.after(() => server.kill('SIGKILL'));
  const lines = createInterface(server.stderr as NodeJS.ReadableStream)[Symbol.asyncIterator]();
  const line = async () => JSON.parse((await lines.next()).value as string);
  const [answer] = await once(createInterface(server.stdout as NodeJS.ReadableStream), 'line');
  const { port } = JSON.parse(answer);
  const answerTo = async (content: object) => {
    write(content);
    server.kill('SIGHUP');
    return line();
  };
  const prepare = () =>
    sphynx(['prepare', '--count', '2', '--server', `127.0.0.1:${port}`, '--state', join(folder, 'own')]);

  assert.match((await prepare()).stderr, /one stream prepares 1 to 1 bundles/);
  const limits = { bundlesPerStream: 2, onlineWorkers: 2 };
  const reloaded = await answerTo({ ...base, setting: 'lean', limits, log: { level: 'warn' } });
  assert.equal(reloaded.msg, 'configuration reloaded');
  assert.deepEqual(reloaded.changed, { 'limits.bundlesPerStream': 2, 'log.level': 'warn' });
  const waiting = await line();
  assert.match(waiting.msg, /need a restart/);
  assert.deepEqual(waiting.fields, ['setting', 'limits.onlineWorkers']);

  const wrong = await answerTo({ ...base, limits: { bundlesPerStream: 0 } });
  assert.match(wrong.msg, /nothing was changed/);
  assert.match(wrong.err.message, /limits\.bundlesPerStream/);
  const gone = await answerTo({ ...base, models: ['nowhere'], limits: { bundlesPerStream: 1 } });
  assert.match(gone.msg, /nothing was changed/);
  const { code, stderr } = await prepare();
  assert.equal(code, 0, stderr);
});
