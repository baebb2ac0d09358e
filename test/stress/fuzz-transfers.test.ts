import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SPARE_TRANSFERS } from '../../crypto/ot/extension-check.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { owned, ownedCopy } from '../../kernels/release.ts';
import { withOutput } from '../../model/network.ts';
import type { Channel } from '../../protocol/channel.ts';
import { prepareServer } from '../../protocol/offline.ts';
import type { Segment } from '../../protocol/segment.ts';
import { recordTranscript, sessionOf } from '../../stress/fuzz/transcript.ts';
import { TransferJudge } from '../../stress/fuzz/transfer-judge.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

const record = () => recordTranscript(withOutput(randomSmallNetwork(15, 2, 0.3, 0.3), 'label'));
let transcript = await record();
// A guess of zeros must be right for one tree at least.
while (transcript.bundleSecrets.delta.every((byte) => byte & 15 && byte >> 4)) transcript = await record();
const { plan, network, bundle, bundleSecrets } = transcript;

/** How a server ends to which the client's part of the recorded bundle is said once more. */
async function replay(said: readonly Segment[]): Promise<string> {
  const session = sessionOf(transcript);
  const left = said.map((segment) => ({ ...segment, data: ownedCopy(segment.data) }));
  const channel: Channel = {
    send: async () => {},
    receive: async () => left.shift() ?? assert.fail('the server waits for more than was recorded'),
  };
  const serving = prepareServer(session, plan, network, channel, bundleSecrets.seed.slice());
  const end = await serving.then(
    () => 'passed',
    (error: unknown) => (error instanceof SphynxError ? error.code : String(error)),
  );
  session.ot.close();
  return end;
}

/** What must become of it. */
function judged(said: readonly Segment[]): string {
  const judge = new TransferJudge(plan, bundleSecrets.delta);
  const refused = said.some(({ kind, layer, offset, data }, i) => {
    const honest = bundle.up[i].data;
    if (kind === 'ot-matrix') judge.takeMatrix({ layer, offset, data, honest });
    if (kind === 'ot-trees') return judge.refusesTrees(data, honest);
    return kind === 'ot-proof' && judge.refusesProof(layer, data, honest);
  });
  return refused ? 'protocol/inconsistent' : 'passed';
}

/** The recorded segments with one byte changed in one of those of a kind. */
const changed = (...kinds: readonly string[]) => {
  const places = bundle.up.flatMap(({ kind }, i) => (kinds.includes(kind) ? [i] : []));
  assert.ok(places.length > 0);
  return fc
    .record({ place: fc.constantFrom(...places), byte: fc.nat(), change: fc.integer({ min: 1, max: 255 }) })
    .map(({ place, byte, change }) =>
      bundle.up.map((segment, i) => {
        const data = ownedCopy(segment.data);
        if (i === place) data[byte % data.length] ^= change;
        return { ...segment, data };
      }),
    );
};

/** The recorded segments with other data in that of `place`. */
const replaced = (place: number, data: Uint8Array) =>
  bundle.up.with(place, { ...bundle.up[place], data: owned(data) });

/** Where the matrices of the first run and the spare transfers of a layer stand. Each has a row per tree. */
const FIRST = bundle.up.findIndex(({ kind }) => kind === 'ot-matrix');
const SPARE = bundle.up.findLastIndex(({ kind, layer }) => kind === 'ot-matrix' && layer === 0);
const TREES = 32;

test('a recorded preparation that is said once more passes, as often as it is said', async () => {
  for (let i = 0; i < 2; i++) assert.equal(await replay(bundle.up), 'passed');
});

test('a changed byte of trees and proofs is refused', async () => {
  await fc.assert(
    fc.asyncProperty(changed('ot-trees', 'ot-proof'), async (said) => {
      assert.equal(await replay(said), 'protocol/inconsistent');
      assert.equal(judged(said), 'protocol/inconsistent');
    }),
    { numRuns: 8 },
  );
});

test('a changed byte of a matrix is refused if the judge says so, and passes otherwise', async () => {
  await fc.assert(
    fc.asyncProperty(changed('ot-matrix'), async (said) => {
      assert.equal(await replay(said), judged(said));
    }),
    { numRuns: 20 },
  );
});

test('rows of trees whose bits of Delta are all 0 may be anything, and other rows not', async () => {
  const withRows = (trees: readonly number[]) => {
    const data = bundle.up[FIRST].data.slice();
    const row = data.length / TREES;
    for (const tree of trees) data.subarray(tree * row, (tree + 1) * row).fill(255);
    return replaced(FIRST, data);
  };
  const bitsOf = (tree: number) => (bundleSecrets.delta[tree >> 1] >> (4 * (tree & 1))) & 15;
  const trees = [...Array(TREES).keys()];
  const guessed = withRows(trees.filter((tree) => bitsOf(tree) === 0));
  assert.equal(judged(guessed), 'passed');
  assert.equal(await replay(guessed), 'passed');
  for (const tree of trees.filter((tree) => bitsOf(tree) !== 0).slice(0, 4)) {
    assert.equal(judged(withRows([tree])), 'protocol/inconsistent');
    assert.equal(await replay(withRows([tree])), 'protocol/inconsistent');
  }
});

test('bits behind the last transfer of a row may be anything, and the one before them not', async () => {
  const withBit = (bit: number) => {
    const data = bundle.up[SPARE].data.slice();
    const row = data.length / TREES;
    for (let start = 0; start < data.length; start += row) data[start + (bit >> 3)] ^= 1 << (bit & 7);
    return replaced(SPARE, data);
  };
  for (const [bit, end] of [
    [SPARE_TRANSFERS, 'passed'],
    [SPARE_TRANSFERS - 1, 'protocol/inconsistent'],
  ] as const) {
    assert.equal(judged(withBit(bit)), end);
    assert.equal(await replay(withBit(bit)), end);
  }
});
