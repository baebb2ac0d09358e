import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { pino } from 'pino';
import { randomImage } from '../support/card-image.ts';
import { network, runningServer } from '../support/running-server.ts';

test('the log names requests and bundles, and holds neither seeds nor tokens nor what was sent', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const server = await runningServer({ logger });
  const token = 'c0ffee'.padEnd(32, '0');
  const client = server.client(token);
  const [bundle, other] = await client.prepare(2);
  const database = new DatabaseSync(join(server.stateFolder, 'bundles.sqlite'), { readOnly: true });
  const sealed = database
    .prepare('SELECT secrets FROM bundle')
    .all()
    .map(({ secrets }) => Buffer.from(secrets as string));
  database.close();
  assert.equal(sealed.length, 2);
  await client.classify(bundle, randomImage(network.card));
  await assert.rejects(client.spend(bundle.id), { code: 'bundle/spent' });
  await server.stop();
  const log = lines.join('');
  for (const { id } of [bundle, other]) assert.match(log, new RegExp(id));
  const requests = lines.map((line) => JSON.parse(line).request).filter((request) => request);
  assert.equal(new Set(requests).size, 3, 'two calls that worked and one that was refused');
  assert.doesNotMatch(log, new RegExp(token));
  for (const secrets of sealed)
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      assert.ok(!log.includes(secrets.toString(encoding)), `secrets in ${encoding}`);
  assert.ok(!log.includes(JSON.stringify([...sealed[0]]).slice(1, -1)));
  assert.ok(log.length < 10_000, 'no tensor was logged');
});
