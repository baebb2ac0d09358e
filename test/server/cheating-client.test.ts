/** Clients that cheat in their oblivious transfers, against a server as it is deployed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { pino } from 'pino';
import type { Channel } from '../../protocol/channel.ts';
import { MemoryBundle } from '../../protocol/memory-bundle.ts';
import { prepareClient } from '../../protocol/offline.ts';
import type { Segment, SegmentKind } from '../../protocol/segment.ts';
import { closeSession } from '../../protocol/session.ts';
import { newToken } from '../../server/identity/token-file.ts';
import { StreamChannel } from '../../transport/stream-channel.ts';
import { randomImage } from '../support/card-image.ts';
import { fileOf } from '../support/keys.ts';
import { network, runningServer } from '../support/running-server.ts';
import { type PreprocessStream, TestClient } from '../support/test-client.ts';
import { WebClient } from './web/web-client.ts';

const alice = newToken('alice');
const lines: string[] = [];
const server = await runningServer({
  identity: { tokens: fileOf(alice.line) },
  web: { address: '127.0.0.1:0' },
  logger: pino({ level: 'trace' }, { write: (line: string) => lines.push(line) }),
});
const clients = {
  gRPC: new TestClient(server.port, network, { bearer: alice.token }),
  WebSocket: new WebClient(server.webPort as number, network, { bearer: alice.token }),
};
after(() => {
  for (const client of Object.values(clients)) client.close();
});

/** Flips all bits of the first row of a matrix: its tree has a bit of Delta that is always 1, so that no guess helps. */
function flipRow({ data }: Segment): void {
  for (let i = 0; i < data.length / 32; i++) data[i] ^= 255;
}

function flipByte({ data }: Segment): void {
  data[data.length - 1] ^= 1;
}

const CHEATS: readonly { what: string; kind: SegmentKind; change: (segment: Segment) => void }[] = [
  { what: 'rows of different choices', kind: 'ot-matrix', change: flipRow },
  { what: 'a wrong proof', kind: 'ot-proof', change: flipByte },
  { what: 'wrong trees', kind: 'ot-trees', change: flipByte },
];

/** What a client says on `stream`, with the first segment of a kind changed. `sent` gets a copy of the changed one. */
function cheating(
  stream: PreprocessStream,
  { kind, change }: (typeof CHEATS)[number],
  sent: Uint8Array[],
): Channel {
  const channel = new StreamChannel(stream);
  return {
    receive: () => channel.receive(),
    send(segment) {
      if (segment.kind === kind && sent.length === 0) {
        change(segment);
        sent.push(segment.data.slice());
      }
      return channel.send(segment);
    },
  };
}

/** States of all bundles that the server has records of. */
function states(): unknown[] {
  const database = new DatabaseSync(join(server.stateFolder, 'bundles.sqlite'), { readOnly: true });
  const rows = database.prepare('SELECT state FROM bundle').all();
  database.close();
  return rows.map(({ state }) => state);
}

for (const [edge, client] of Object.entries(clients))
  for (const cheat of CHEATS)
    test(`a client with ${cheat.what} is refused over ${edge}, and guesses once a session`, async () => {
      lines.length = 0;
      const sent: Uint8Array[] = [];
      const { stream, session } = await client.openSession(2);
      await stream.send({ begin: {} });
      await stream.expect('offer');
      const preparing = prepareClient(
        session,
        client.plan,
        cheating(stream, cheat, sent),
        new MemoryBundle(),
      );
      await assert.rejects(preparing, { code: 'protocol/inconsistent', message: /this session ends/ });
      assert.equal(sent.length, 1);
      await assert.rejects(
        stream.send({ begin: {} }).then(() => stream.expect('offer')),
        {
          code: 'protocol/inconsistent',
        },
      );
      closeSession(session);

      assert.deepEqual(states(), [], 'the bundle is given up, and no other one was begun');
      const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 40);
      assert.deepEqual(
        warnings.map(({ code, identity }) => [code, identity]),
        [['protocol/inconsistent', 'token:alice']],
      );
      const log = lines.join('');
      assert.ok(!log.includes(alice.token));
      for (const encoding of ['hex', 'base64', 'base64url'] as const)
        assert.ok(!log.includes(Buffer.from(sent[0].slice(-32)).toString(encoding)), `proof in ${encoding}`);
      assert.ok(log.length < 5000, 'no tensor was logged');
    });

test('the same identity is served when it follows the protocol', async () => {
  const [bundle] = await clients.gRPC.prepare(1);
  const logits = await clients.gRPC.classify(bundle, randomImage(network.card));
  assert.equal(logits.length, network.card.labels.length);
});
