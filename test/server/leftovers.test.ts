import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { SEGMENT_KINDS } from '../../protocol/segment.ts';
import { encodeSegment } from '../../transport/stream-channel.ts';
import { randomImage } from '../support/card-image.ts';
import { network, runningServer } from '../support/running-server.ts';
import type { TestClient } from '../support/test-client.ts';

const ROUNDS = 40;
const AT_ONCE = 4;

const lines: { level: number; code?: string }[] = [];
const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
const server = await runningServer({ logger });
const random = seededRandom(11);
const below = (limit: number) => Math.floor(random() * limit);
const image = randomImage(network.card);

/** Sends a segment that is probably wrong. */
function junk() {
  const kind = SEGMENT_KINDS[below(SEGMENT_KINDS.length)];
  const data = new Uint8Array(1 + below(5000)).map(() => below(256));
  return { segment: encodeSegment({ kind, layer: below(3), offset: below(2) * below(1000), data }) };
}

/** Begins a preparation and leaves it, or breaks it, after a random time. */
async function spoilPreparation(client: TestClient): Promise<void> {
  const stream = client.preprocess();
  setTimeout(() => stream.abort(new SphynxError('aborted', 'gone')), below(600)).unref();
  const spoils = below(3) === 0;
  await stream.send({ hello: { ...client.model, count: 2 } });
  await stream.expect('accepted');
  if (spoils) await stream.send(junk());
  const { stream: other, session } = await client.openSession(1);
  setTimeout(() => other.abort(new SphynxError('aborted', 'gone')), below(800)).unref();
  const bundle = await client.prepareUncommitted(other, session);
  await other.send(below(2) ? junk() : { commit: { bundleId: bundle.id } });
  await stream.expect('offer');
}

/** Spends a bundle and leaves the inference, or breaks it. */
async function spoilInference(client: TestClient): Promise<void> {
  const [bundle] = await client.prepare();
  const stream = await client.spend(bundle.id);
  setTimeout(() => stream.abort(new SphynxError('aborted', 'gone')), below(60)).unref();
  if (below(2)) await stream.send(junk());
  await client.finish(stream, bundle, image);
}

/** Bundles by state, as the server's records have them. */
function states(): Record<string, number> {
  const database = new DatabaseSync(join(server.stateFolder, 'bundles.sqlite'), { readOnly: true });
  const rows = database.prepare('SELECT state, count(*) AS count FROM bundle GROUP BY state').all();
  database.close();
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

test('calls that break off anywhere leave no record half done, no place taken and no fault behind', async () => {
  for (let round = 0; round < ROUNDS; round += AT_ONCE)
    await Promise.allSettled(
      Array.from({ length: AT_ONCE }, (_, i) => {
        const client = server.client();
        return i % 2 ? spoilInference(client) : spoilPreparation(client);
      }),
    );
  for (let wait = 0; wait < 100 && (states().preparing || states().spending); wait++) await delay(50);
  assert.equal(states().preparing, undefined);
  assert.equal(states().spending, undefined);
  assert.deepEqual(
    lines.filter(({ level }) => level > 30),
    [],
    'no fault of ours',
  );
  const codes = new Set(lines.map(({ code }) => code));
  for (const code of ['protocol/closed', 'protocol/order'] as const) assert.ok(codes.has(code), code);
  assert.ok(states().spent > 0);
  const clients = Array.from({ length: 8 }, () => server.client());
  const answers = await Promise.all(
    clients.map(async (client) => client.classify((await client.prepare())[0], image)),
  );
  for (const logits of answers) assert.equal(logits.length, network.card.labels.length);
});
