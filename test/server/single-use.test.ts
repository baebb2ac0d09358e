import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { randomImage } from '../support/card-image.ts';
import { network, runningServer } from '../support/running-server.ts';
import type { ClientBundle } from '../support/test-client.ts';

const server = await runningServer();
const token = randomBytes(16).toString('hex');
const client = server.client(token);
/** Bundles for all tests of this file: opening a session is the slow part. */
const stock = await client.prepare(6);
const take = () => stock.pop() as ClientBundle;
const image = randomImage(network.card);

test('a bundle that classified an image is spent', async () => {
  const bundle = take();
  await client.classify(bundle, image);
  await assert.rejects(client.classify(bundle, image), { code: 'bundle/spent' });
});

test('an unknown bundle, and one of another client, are refused alike', async () => {
  const bundle = take();
  const messages = new Set<string>();
  for (const [who, id] of [
    [client, 'f'.repeat(32)],
    [client, ''],
    [server.client(), bundle.id],
  ] as const)
    await assert.rejects(who.spend(id), (error: SphynxError) => {
      messages.add(error.message);
      return error.code === 'bundle/unknown';
    });
  assert.equal(messages.size, 1);
  await client.classify(bundle, image);
});

test('a bundle is refused for another model, version or plan, and stays usable', async () => {
  const bundle = take();
  await assert.rejects(client.spend(bundle.id, { modelHash: '0'.repeat(64) }), { code: 'model/mismatch' });
  await assert.rejects(client.spend(bundle.id, { planHash: '0'.repeat(64) }), { code: 'model/mismatch' });
  await assert.rejects(client.spend(bundle.id, { model: 'other' }), { code: 'model/unknown' });
  await client.classify(bundle, image);
});

test('of several connections that race for one bundle, one gets it', async () => {
  const clients = Array.from({ length: 4 }, () => server.client(token));
  const bundle = take();
  const outcomes = await Promise.allSettled(clients.map((client) => client.classify(bundle, image)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'bundle/spent');
});

test('a client that vanishes after the spending has burned its bundle', async () => {
  const [bundle, next] = [take(), take()];
  const stream = await client.spend(bundle.id);
  stream.abort(new SphynxError('aborted', 'gone'));
  await assert.rejects(client.classify(bundle, image), { code: 'bundle/spent' });
  await client.classify(next, image);
});

test('a preparation that was not committed leaves no bundle', async () => {
  const { stream, session } = await client.openSession(1);
  const bundle = await client.prepareUncommitted(stream, session);
  await assert.rejects(client.spend(bundle.id), { code: 'bundle/unknown' });
  stream.end();
  await assert.rejects(stream.expect('ready'), { code: 'protocol/closed' });
  await assert.rejects(client.spend(bundle.id), { code: 'bundle/unknown' });
});

test('a commit of another bundle is refused', async () => {
  const { stream, session } = await client.openSession(1);
  const bundle = await client.prepareUncommitted(stream, session);
  await stream.send({ commit: { bundleId: 'f'.repeat(32) } });
  await assert.rejects(stream.expect('ready'), { code: 'protocol/order' });
  await assert.rejects(client.spend(bundle.id), { code: 'bundle/unknown' });
});
