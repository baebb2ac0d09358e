import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomSeed } from '../../crypto/prg.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { withOutput } from '../../model/network.ts';
import type { Channel } from '../../protocol/channel.ts';
import { MemoryBundle } from '../../protocol/memory-bundle.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { prepareClient, prepareServer } from '../../protocol/offline.ts';
import { makePlan } from '../../protocol/plan.ts';
import type { Segment } from '../../protocol/segment.ts';
import { closeSession, openClientSession, openServerSession } from '../../protocol/session.ts';
import { recording } from '../support/both-roles.ts';

const network = withOutput(randomModel({ C: 2, D: 3, reduceAt: [1], size: 16 }), 'label');
const plan = makePlan(network.card);

/** Prepares one bundle with a client whose segments `change` may alter. Returns how the server ended, and what it said. */
async function preparing(change: (segment: Segment) => void) {
  const ends = memoryChannel();
  const [client, server] = await Promise.all([
    openClientSession(ends.client),
    openServerSession(ends.server),
  ]);
  const changing: Channel = {
    send: (segment) => {
      change(segment);
      return ends.client.send(segment);
    },
    receive: () => ends.client.receive(),
  };
  const heard = recording(changing);
  const served = prepareServer(server, plan, network, ends.server, randomSeed());
  const [end] = await Promise.allSettled([
    served.finally(() => ends.server.close()),
    prepareClient(client, plan, heard, new MemoryBundle()),
  ]);
  closeSession(client);
  closeSession(server);
  return {
    end,
    tables: heard.received.filter(({ kind }) => kind === 'garbled-tables').map(({ layer }) => layer),
  };
}

test('an honest client gets the tables of all layers', async () => {
  const { end, tables } = await preparing(() => {});
  assert.equal(end.status, 'fulfilled');
  assert.deepEqual([...new Set(tables)], [0, 1, 2, 3]);
});

for (const layer of [0, 2, 3])
  for (const [what, kind] of [
    ['choices that differ between the rows of a matrix', 'ot-matrix'],
    ['a proof that is not that of its choices', 'ot-proof'],
  ] as const)
    test(`a client with ${what} of layer ${layer} gets no table of it, nor of a later one`, async () => {
      const { end, tables } = await preparing((segment) => {
        if (segment.kind !== kind || segment.layer !== layer) return;
        // In a matrix of 32 rows: two rows in full, of trees that cannot both be guessed by chance often.
        const length = kind === 'ot-matrix' ? segment.data.length >> 2 : segment.data.length;
        for (let i = 0; i < length; i++) segment.data[i] ^= 0xff;
      });
      assert.equal(end.status, 'rejected');
      assert.equal(end.status === 'rejected' && end.reason.code, 'protocol/inconsistent');
      assert.ok(tables.every((sent) => sent < layer));
    });

test('a client that says its challenge before its matrices is refused', async () => {
  let first = true;
  const { end, tables } = await preparing((segment) => {
    if (segment.kind !== 'ot-matrix' || !first) return;
    first = false;
    (segment as { kind: string }).kind = 'ot-proof';
  });
  assert.equal(end.status === 'rejected' && end.reason.code, 'protocol/order');
  assert.deepEqual(tables, []);
});
