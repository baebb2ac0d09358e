import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { HeClient } from '../../crypto/he/client.ts';
import { BaseOtSender } from '../../crypto/ot/base-ot.ts';
import { treeMessageBytes } from '../../crypto/ot/correlated-ot.ts';
import { kernels } from '../../kernels/load.ts';
import { owned } from '../../kernels/release.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { OT_TREE_BITS } from '../../protocol/plan.ts';
import type { SegmentKind } from '../../protocol/segment.ts';
import { closeSession, openClientSession, openServerSession } from '../../protocol/session.ts';

const said = (kind: SegmentKind, data: Uint8Array) => ({ kind, layer: 0, offset: 0, data: owned(data) });

const point = () => new BaseOtSender().message.slice();

test('a client whose session is refused before it is open keeps no keys in memory', async () => {
  const close = mock.method(HeClient.prototype, 'close');
  const { client, server } = memoryChannel();
  const opening = openClientSession(client);
  await server.send(said('public-key-seed', new Uint8Array(16)));
  await server.send(said('base-ot-reply', new Uint8Array(128 * 64 - 1)));
  await assert.rejects(opening, { code: 'protocol/length' });
  assert.equal(close.mock.callCount(), 1);
});

test('a server refuses a client whose key is not well-formed, or that vanishes before its session is open', async () => {
  const { publicKey } = new HeClient(new Uint8Array(16));
  for (const [key, code] of [
    [publicKey.slice(1), 'protocol/length'],
    [new Uint8Array(publicKey.length).fill(255), 'crypto/parameters'],
  ] as const) {
    const refused = memoryChannel();
    await refused.client.send(said('base-ot-message', point()));
    await refused.client.send(said('public-key', key));
    await assert.rejects(openServerSession(refused.server), { code });
  }
  const vanished = memoryChannel();
  await vanished.client.send(said('base-ot-message', point()));
  const opening = openServerSession(vanished.server);
  for (const kind of ['public-key-seed', 'base-ot-reply'])
    assert.equal((await vanished.client.receive()).kind, kind);
  vanished.client.close();
  await assert.rejects(opening, { code: 'protocol/closed' });
});

test('a client whose trees have another length is refused when it asks for its first labels', async () => {
  const ends = memoryChannel();
  const [client, server] = await Promise.all([
    openClientSession(ends.client),
    openServerSession(ends.server),
  ]);
  await ends.client.send(said('ot-trees', new Uint8Array(treeMessageBytes(OT_TREE_BITS) + 1)));
  await assert.rejects(server.ot.ready(ends.server), { code: 'protocol/length' });
  closeSession(client);
  closeSession(server);
});

test('base OTs whose reply is no points are refused when the first labels are asked for', async () => {
  const ends = memoryChannel();
  const opening = openClientSession(ends.client);
  await ends.server.send(said('public-key-seed', new Uint8Array(16)));
  await ends.server.send(said('base-ot-reply', new Uint8Array(128 * 64)));
  const session = await opening;
  await assert.rejects(session.ot.ready(ends.client), { code: 'crypto/input' });
  closeSession(session);
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
