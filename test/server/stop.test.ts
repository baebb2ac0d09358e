import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import type { SphynxError } from '../../errors/sphynx-error.ts';
import { MemoryBundle } from '../../protocol/memory-bundle.ts';
import { prepareClient } from '../../protocol/offline.ts';
import { closeSession } from '../../protocol/session.ts';
import { SERVICE_NAME } from '../../transport/grpc/proto.ts';
import { StreamChannel } from '../../transport/stream-channel.ts';
import { randomImage } from '../support/card-image.ts';
import { network, runningServer } from '../support/running-server.ts';
import { TestClient } from '../support/test-client.ts';

const image = randomImage(network.card);

/** So long that a client which pings every 100 ms has done so (ms). */
const SEVERAL_PINGS_MS = 1000;

async function health(port: number, service = SERVICE_NAME): Promise<string> {
  // biome-ignore lint/suspicious/noExplicitAny: loaded from a .proto at run time
  const loaded = loadPackageDefinition(loadSync(protoPath, { enums: String })) as any;
  const client = new loaded.grpc.health.v1.Health(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) =>
      client.check({ service }, (error: Error | null, response: { status: string }) =>
        error ? reject(error) : resolve(response.status),
      ),
    );
  } finally {
    client.close();
  }
}

test('stopping finishes a running inference, ends preparations between bundles and refuses what is new', async () => {
  const server = await runningServer({ metrics: '0' });
  const probe = async () => (await fetch(`http://127.0.0.1:${server.metricsPort}/health`)).status;
  const client = server.client();
  const [bundle, unused] = await client.prepare(2);
  assert.equal(await health(server.port), 'SERVING');
  assert.equal(await probe(), 200);
  const preparing = await client.openSession(1);
  const running = await client.spend(bundle.id);
  const stopped = server.stop();
  await assert.rejects(preparing.stream.expect('offer'), { code: 'server/stopping' });
  assert.equal(await health(server.port), 'NOT_SERVING');
  assert.equal(await probe(), 503);
  await assert.rejects(client.spend(unused.id), { code: 'server/stopping' });
  await assert.rejects(client.openSession(1), { code: 'server/stopping' });
  assert.equal((await client.finish(running, bundle, image)).length, network.card.labels.length);
  await stopped;
  await assert.rejects(client.spend(unused.id), { code: 'server/unreachable' });
});

test('an inference that runs while its server stops outlasts the pings of its connection', async () => {
  const server = await runningServer();
  const client = new TestClient(server.port, network, { keepaliveMs: 100 });
  const [bundle] = await client.prepare(1);
  const running = await client.spend(bundle.id);
  const stopped = server.stop({ graceMs: 60_000 });
  await delay(SEVERAL_PINGS_MS);
  assert.equal((await client.finish(running, bundle, image)).length, network.card.labels.length);
  await stopped;
  client.connection.close();
});

test('a bundle in work is finished, and the next one is refused with a hint', async () => {
  const server = await runningServer();
  const client = server.client('b'.repeat(32));
  const { stream, session } = await client.openSession(2);
  await stream.send({ begin: {} });
  const { bundleId } = await stream.expect('offer');
  const stopped = server.stop();
  const bundle = new MemoryBundle();
  await prepareClient(session, client.plan, new StreamChannel(stream), bundle);
  await stream.send({ commit: { bundleId } });
  await stream.expect('ready');
  await assert.rejects(
    stream.expect('offer'),
    (error: SphynxError) => error.code === 'server/stopping' && (error.retryAfterMs as number) > 0,
  );
  closeSession(session);
  await stopped;
  const restarted = await runningServer({ stateFolder: server.stateFolder });
  await restarted.client('b'.repeat(32)).classify({ id: bundleId, bytes: bundle.bytes }, image);
});

test('a server that drains says so, and serves on', async () => {
  const server = await runningServer();
  const client = server.client();
  const [first, second] = await client.prepare(2);
  const stopped = server.stop({ drainMs: 3000 });
  assert.equal(await health(server.port), 'NOT_SERVING');
  await client.classify(first, image);
  await stopped;
  await assert.rejects(client.spend(second.id), { code: 'server/unreachable' });
});

test('an inference that outlasts the grace is cut, and its bundle stays spent after the restart', async () => {
  const server = await runningServer();
  const token = 'a'.repeat(32);
  const client = server.client(token);
  const [bundle, unused] = await client.prepare(2);
  const running = await client.spend(bundle.id);
  const waiting = assert.rejects(running.expect('segment'), { code: 'server/stopping' });
  await server.stop({ graceMs: 50 });
  await waiting;
  const restarted = await runningServer({ stateFolder: server.stateFolder });
  const again = restarted.client(token);
  await assert.rejects(again.spend(bundle.id), { code: 'bundle/spent' });
  await again.classify(unused, image);
});

test('stopping twice is stopping once', async () => {
  const server = await runningServer();
  await Promise.all([server.stop(), server.stop({ graceMs: 0 })]);
});
