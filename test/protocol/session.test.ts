import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { HeClient } from '../../crypto/he/client.ts';
import { HeServer } from '../../crypto/he/server.ts';
import { BaseOtSender } from '../../crypto/ot/base-ot.ts';
import { treeMessageBytes } from '../../crypto/ot/random-ot.ts';
import { kernels } from '../../kernels/load.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { OT_TREE_BITS } from '../../protocol/plan.ts';
import type { SegmentKind } from '../../protocol/segment.ts';
import { closeSession, openClientSession, openServerSession } from '../../protocol/session.ts';

const said = (kind: SegmentKind, data: Uint8Array) => ({ kind, layer: 0, offset: 0, data });

const point = () => new BaseOtSender().message.slice();

test('a client whose session is refused before it is open keeps no keys in memory', async () => {
  const close = mock.method(HeClient.prototype, 'close');
  const { client, server } = memoryChannel();
  const opening = openClientSession(client);
  await server.send(said('public-key-seed', new Uint8Array(16)));
  await server.send(said('base-ot-reply', new Uint8Array(128 * 32)));
  await assert.rejects(opening, { code: 'crypto/input' });
  assert.equal(close.mock.callCount(), 1);
});

test('a server keeps none of a client that is refused or vanishes before its session is open', async () => {
  const close = mock.method(HeServer.prototype, 'close');
  const { publicKey } = new HeClient(new Uint8Array(16));
  const refused = memoryChannel();
  await refused.client.send(said('base-ot-message', point()));
  await refused.client.send(said('public-key', publicKey.slice()));
  await refused.client.send(said('ot-trees', new Uint8Array(treeMessageBytes(OT_TREE_BITS) + 1)));
  await assert.rejects(openServerSession(refused.server), { code: 'protocol/length' });
  assert.equal(close.mock.callCount(), 1);
  const vanished = memoryChannel();
  await vanished.client.send(said('base-ot-message', point()));
  await vanished.client.send(said('public-key', publicKey.slice()));
  const opening = openServerSession(vanished.server);
  for (const kind of ['public-key-seed', 'base-ot-reply'])
    assert.equal((await vanished.client.receive()).kind, kind);
  vanished.client.close();
  await assert.rejects(opening, { code: 'protocol/closed' });
  assert.equal(close.mock.callCount(), 2);
});

test('the server speaks first, and every session has a public key seed of its own', async () => {
  const seeds = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const { client, server } = memoryChannel();
    const opening = openServerSession(server);
    const { kind, data } = await client.receive();
    assert.equal(kind, 'public-key-seed');
    seeds.add(Buffer.from(data).toString('hex'));
    client.close();
    await assert.rejects(opening, { code: 'protocol/closed' });
  }
  assert.equal(seeds.size, 3);
});

test('a session that is closed leaves nothing in the kernel memory', async () => {
  const ends = memoryChannel();
  const [client, server] = await Promise.all([
    openClientSession(ends.client),
    openServerSession(ends.server),
  ]);
  closeSession(client);
  closeSession(server);
  const { memory } = kernels();
  memory.scope(() => assert.ok(memory.bytes(2 ** 24).every((byte) => byte === 0)));
});
