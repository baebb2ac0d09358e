/** From the first masked byte on, a server sees the same ending of an inference, whatever has happened at the client. */

import assert from 'node:assert/strict';
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { PassedSegment, SphynxErrorCode } from '../../client/index.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { owned } from '../../kernels/release.ts';
import { withOutput } from '../../model/network.ts';
import { randomBytes } from '../../platform/random-bytes.ts';
import type { Segment } from '../../protocol/segment.ts';
import { bundleFiles, image, newClient } from '../support/connected.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { playingServer, type Seen } from './playing-server.ts';

/** Of twenty classes: garbage in the place of their order is one with a chance of 2e-12. */
const network = randomModel({ C: 2, D: 2, reduceAt: [0], size: 8, classes: 20 });
const ordering = withOutput(network, `top-${network.card.labels.length}`);
const last = network.card.layers.length - 1;

/** What the server sees last: the client half-closes, and resets nothing. */
const ENDING = ['end', 'reset code 0'];

interface Way {
  readonly tamper?: (segment: Segment) => Segment;
  /** Told what passes at the client. `path`: of the bundle's file. */
  readonly onSegment?: (segment: PassedSegment, abort: AbortController, path: string) => void;
  /** Before the inference. */
  readonly damage?: (path: string) => void;
  readonly code?: SphynxErrorCode;
}

let way: Way = {};
const stateFolder = temporaryFolder();
const { address, seen, spends } = await playingServer(ordering, {
  tamper: (segment) => way.tamper?.(segment) ?? segment,
  // Unlike ours, a server that wants to learn something waits for what the client does.
  afterLogits: async (stream) => {
    await stream.expectOrEnd('segment');
    stream.end();
  },
});
const client = await newClient({ stateFolder }, address);
await client.prepare({ count: 14 });

/** Spends one bundle; returns what the server saw of it. */
async function inference(how: Way): Promise<Seen> {
  way = how;
  const before = { inferences: spends.length, bundles: await client.bundles() };
  const [{ bundleId }] = before.bundles;
  const path = (state: string) => {
    const file = bundleFiles(stateFolder).find((name) => name.includes(bundleId) && name.endsWith(state));
    return join(stateFolder, 'bundles', file as string);
  };
  how.damage?.(path('.ready'));
  const abort = new AbortController();
  const onSegment = (segment: PassedSegment) => how.onSegment?.(segment, abort, path('.spending'));
  const classifying = client.classify(image, { onSegment, signal: abort.signal });
  if (how.code) await assert.rejects(classifying, { code: how.code });
  else await classifying;
  assert.deepEqual(spends.slice(before.inferences), [bundleId], 'nothing is tried again');
  assert.equal((await client.bundles()).length, before.bundles.length - 1, 'no other bundle is used up');
  const own = seen[before.inferences];
  while (!own.at(-1)?.startsWith('reset')) await delay(5);
  return own;
}

const honest = await inference({});

/** A labels message of the server in layer 1, changed. */
const inLayer1 =
  (change: (segment: Segment) => Partial<Segment>) =>
  (segment: Segment): Segment =>
    segment.kind === 'server-labels' && segment.layer === 1 ? { ...segment, ...change(segment) } : segment;

test('an inference that went well ends with the end of the stream of the client', () => {
  assert.deepEqual(honest.slice(-2), ENDING);
});

/** Faults that show when all has been said: the server sees just what it sees of an inference that went well. */
const LATE: Record<string, Way> = {
  'labels of the last circuit that decode to no order of classes': {
    tamper: (segment) =>
      segment.kind === 'server-labels' && segment.layer === last
        ? { ...segment, data: owned(randomBytes(segment.data.length)) }
        : segment,
    code: 'crypto/input',
  },
  'a bundle file with changed bytes, which its checksum shows': {
    damage: (path) => {
      const file = openSync(path, 'r+');
      writeSync(file, Buffer.alloc(64, 7), 0, 64, 6000);
      closeSync(file);
    },
    code: 'bundle/corrupt',
  },
};

for (const [what, way] of Object.entries(LATE))
  test(`to the server, ${what} looks like a success`, async () => {
    assert.deepEqual(await inference(way), honest);
  });

for (const [what, way] of Object.entries(LATE))
  test(`after ${what}, the next inference runs in the same thread: the server cannot time a new one`, async () => {
    let started = 0;
    const count = () => void started++;
    process.on('worker', count);
    await inference(way);
    await inference({});
    process.off('worker', count);
    assert.equal(started, 0);
  });

/** Faults that show earlier: the client says less, and ends its stream in the same way. */
const EARLY: Record<string, Way> = {
  'a message that is too short': {
    tamper: inLayer1(({ data }) => ({ data: owned(data.slice(0, -16)) })),
    code: 'protocol/length',
  },
  'a message of another layer': { tamper: inLayer1(() => ({ layer: 0 })), code: 'protocol/order' },
  'a message at another offset': { tamper: inLayer1(() => ({ offset: 2 ** 40 })), code: 'protocol/order' },
  'an abort by the user': {
    onSegment: ({ kind, layer }, abort) => {
      if (kind === 'server-labels' && layer === 1) abort.abort();
    },
    code: 'aborted',
  },
  'a listener that throws': {
    onSegment: ({ kind, layer }) => {
      if (kind === 'server-labels' && layer === 1) throw new Error('the listener is broken');
    },
    code: 'internal',
  },
  'a bundle file that is cut while it is read': {
    onSegment: ({ kind }, _, path) => {
      if (kind === 'masked-input') truncateSync(path, 4096 + 1000);
    },
    code: 'bundle/corrupt',
  },
};

for (const [what, way] of Object.entries(EARLY))
  test(`to the server, ${what}: the end of the stream`, async () => {
    const seen = await inference(way);
    assert.deepEqual(seen, [...honest.slice(0, seen.length - 2), ...ENDING]);
    assert.ok(seen.length > 2 && seen.length < honest.length);
  });
