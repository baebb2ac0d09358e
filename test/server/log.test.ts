import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { pino } from 'pino';
import { RecordCipher } from '../../server/store/record-cipher.ts';
import { ownKeys } from '../../server/store/store-keys.ts';
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
  const records = database.prepare('SELECT * FROM bundle').all() as Record<string, string>[];
  database.close();
  assert.equal(records.length, 2);
  const cipher = new RecordCipher(ownKeys(server.stateFolder));
  const clear = records.flatMap(({ id, client, identity, secrets, ...record }) => {
    const model = { name: record.model, hash: record.model_hash, planHash: record.plan_hash };
    const { seed, delta } = cipher.open({ id, client, identity, model }, secrets);
    return [seed, ...(delta ? [delta] : [])].map((bytes) => Buffer.from(bytes));
  });
  await client.classify(bundle, randomImage(network.card));
  await assert.rejects(client.spend(bundle.id), { code: 'bundle/spent' });
  await server.stop();
  const log = lines.join('');
  for (const { id } of [bundle, other]) assert.match(log, new RegExp(id));
  const requests = lines.map((line) => JSON.parse(line).request).filter((request) => request);
  assert.equal(new Set(requests).size, 3, 'two calls that worked and one that was refused');
  assert.doesNotMatch(log, new RegExp(token));
  for (const secrets of clear)
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      assert.ok(!log.includes(secrets.toString(encoding)), `secrets in ${encoding}`);
  assert.ok(!log.includes(JSON.stringify([...clear[0]]).slice(1, -1)));
  assert.ok(log.length < 10_000, 'no tensor was logged');
});
