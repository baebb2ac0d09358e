import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { HeClient } from '../../crypto/he/client.ts';
import { HeServer } from '../../crypto/he/server.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import type { SegmentKind } from '../../protocol/segment.ts';
import { closeSession, openClientSession, openServerSession } from '../../protocol/session.ts';

const said = (kind: SegmentKind, data: Uint8Array) => ({ kind, layer: 0, offset: 0, data });

test('a client whose session is refused before it is open keeps no keys in memory', async () => {
  const close = mock.method(HeClient.prototype, 'close');
  const { client, server } = memoryChannel();
  const opening = openClientSession(client);
  await server.send(said('base-ot-reply', new Uint8Array(128 * 32 - 1)));
  await assert.rejects(opening, { code: 'protocol/length' });
  assert.equal(close.mock.callCount(), 1);
});

test('a server keeps none of a client that is refused or vanishes before its session is open', async () => {
  const close = mock.method(HeServer.prototype, 'close');
  const { publicKey } = await HeClient.create();
  const refused = memoryChannel();
  await refused.client.send(said('public-key', publicKey.slice()));
  await refused.client.send(said('base-ot-message', new Uint8Array(32)));
  await assert.rejects(openServerSession(refused.server), { code: 'crypto/input' });
  assert.equal(close.mock.callCount(), 1);
  const vanished = memoryChannel();
  await vanished.client.send(said('public-key', publicKey.slice()));
  const opening = openServerSession(vanished.server);
  vanished.client.close();
  await assert.rejects(opening, { code: 'protocol/closed' });
  assert.equal(close.mock.callCount(), 2);
});

test('base OTs whose reply is no points are refused when the first labels are asked for', async () => {
  const ends = memoryChannel();
  const opening = openClientSession(ends.client);
  await ends.server.send(said('base-ot-reply', new Uint8Array(128 * 32)));
  const session = await opening;
  await assert.rejects(session.ot.ready(ends.client), { code: 'crypto/input' });
  closeSession(session);
});
