import { randomSeed } from '../crypto/prg.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { owned, release } from '../kernels/release.ts';
import type { FixedNetwork } from '../model/network.ts';
import type { Channel } from '../protocol/channel.ts';
import { inferClient, inferServer } from '../protocol/online.ts';
import { argmaxChunk, type Plan } from '../protocol/plan.ts';
import { SEGMENT_BYTES, type Segment, type SegmentKind } from '../protocol/segment.ts';

/**
 * Runs inferences on zeros with a simulated peer, so that a thread has compiled and optimised its code before the first
 * real one. They contain nothing secret, and their results are discarded.
 */

/** Called wherever the role waits for its peer; a rejection ends the rehearsal. */
export type Pause = () => Promise<void>;

/** A segment of zeros. */
interface Line extends Omit<Segment, 'data'> {
  readonly bytes: number;
}

/** Rehearses the client's half of an inference. */
export async function rehearseClient(plan: Plan, pause: Pause): Promise<void> {
  const last = plan.layers.length - 1;
  const lines = plan.layers.flatMap(({ chunks }, layer) => {
    const pieces = chunks.map(({ count, bytes }) => bytes.online * count);
    return tensor('server-labels', layer, pieces);
  });
  if (!argmaxChunk(plan)) lines.push(...tensor('logit-share', last, [4 * plan.layers[last].elements]));
  const zeros = { read: (target: Uint8Array) => void target.fill(0) };
  const image = new Int32Array(plan.tensorElements[0]);
  await inferClient(plan, absentPeer(lines, pause), zeros, image).catch((error) => {
    // Zeros are not labels of a circuit, so they may open to an invalid index.
    if (!(error instanceof SphynxError) || error.code !== 'crypto/input') throw error;
  });
}

/** Rehearses the server's half of an inference, with a separate seed. */
export async function rehearseServer(plan: Plan, network: FixedNetwork, pause: Pause): Promise<void> {
  const last = plan.layers.length - 1;
  const lines = tensor('masked-input', 0, [4 * plan.tensorElements[0]]);
  for (const [layer, { chunks }] of plan.layers.slice(0, last).entries()) {
    const pieces = chunks.map(({ count, bytes }) => bytes.reply * count);
    lines.push(...tensor('masked-activations', layer, pieces));
  }
  const secrets = { seed: randomSeed(), delta: randomSeed().subarray(0, 16) };
  await inferServer(plan, network, absentPeer(lines, pause), secrets);
}

/** The segments of a tensor that is sent in pieces of these lengths (bytes). */
function tensor(kind: SegmentKind, layer: number, pieces: readonly number[]): Line[] {
  const lines: Line[] = [];
  let offset = 0;
  for (const length of pieces)
    for (let left = length; left > 0; ) {
      const bytes = Math.min(SEGMENT_BYTES, left);
      lines.push({ kind, layer, offset, bytes });
      offset += bytes;
      left -= bytes;
    }
  return lines;
}

/** Returns a channel to a simulated peer that sends `lines`, one per request, and ignores what it receives. */
function absentPeer(lines: readonly Line[], pause: Pause): Channel {
  let next = 0;
  return {
    async send({ data }) {
      release(data);
    },
    async receive() {
      await pause();
      const line = lines[next++];
      if (!line) throw new SphynxError('internal', 'a rehearsal asked for more than the plan says');
      const { bytes, ...segment } = line;
      return { ...segment, data: owned(new Uint8Array(bytes)) };
    },
  };
}
