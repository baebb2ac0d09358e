/** Benchmarks of the work per chunk: the ReLU gadget, oblivious transfer. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { clientBits, evaluate } from '../../crypto/garbling/evaluate.ts';
import { GADGET_CHUNK, type Gadget, type GarblerKeys, gadgetBytes } from '../../crypto/garbling/gadget.ts';
import { garble } from '../../crypto/garbling/garble.ts';
import { outputMasks, removeMask, serverLabels } from '../../crypto/garbling/online.ts';
import { BASE_OTS } from '../../crypto/ot/base-ot.ts';
import { CorrelatedOtReceiver, CorrelatedOtSender, type OtTreeBits } from '../../crypto/ot/correlated-ot.ts';
import { checkChoices, proveChoices, SPARE_TRANSFERS } from '../../crypto/ot/extension-check.ts';
import { Prg, randomSeed } from '../../crypto/prg.ts';
import { subtractShares } from '../../crypto/ring.ts';
import type { Entry } from './entry.ts';
import { mustEqual, xor } from './plain.ts';
import { block, blocks } from './room.ts';

const COUNT = GADGET_CHUNK;
const RING_BITS = 12;
const DROP_BITS = 12;

export function gadgets(): Entry[] {
  return ([2, 1] as const).flatMap((digitBits) => {
    const gadget: Gadget = {
      kind: 'relu',
      ringBits: RING_BITS,
      dropBits: DROP_BITS,
      shiftBits: 0,
      digitBits,
    };
    const bytes = gadgetBytes(gadget);
    const seed = randomSeed();
    const delta = random(16);
    delta[0] |= 1;
    const keys: GarblerKeys = { seed, delta, nonce: random(16), layer: 0 };
    const zero = random(16 * bytes.labels * COUNT);
    const x = new Prg(seed, 'x').words(COUNT).map((word) => (word >>> 10) - 2 ** 21);
    const b = new Prg(seed, 'b').words(COUNT);
    const a = subtractShares(x, b);
    const bits = clientBits(gadget, b);
    const labels = zero.map((byte, i) => byte ^ (bits[i >> 4] ? delta[i & 15] : 0));
    const garbled = () => garble(gadget, keys, 0, COUNT, zero);
    const sent = () => serverLabels(gadget, keys, 0, COUNT, a);
    const [tables, online] = [garbled(), sent()];
    const elements = { nonce: keys.nonce, layer: 0, first: 0, count: COUNT };
    const input = { share: b, tables, clientLabels: labels, onlineLabels: online };
    const opened = () => evaluate(gadget, elements, input);
    const masks = () => outputMasks(keys, 0, COUNT);
    const check = () => {
      const outputs = new Int32Array(removeMask(gadget, masks(), opened(), a));
      for (const [e, output] of outputs.entries()) {
        const exact = Math.max(0, (x[e] | 0) / 2 ** DROP_BITS);
        assert.ok(Math.abs(output - exact) <= 1, `ReLU of ${x[e] | 0} is ${output}`);
      }
    };
    const relus = { unit: '12-bit ReLUs', units: COUNT, check };
    const digits = bytes.online / 16;
    const wide = digitBits === 2;
    const entries: Entry[] = [
      {
        ...{ name: `ReLU gadget, garble, digits of ${digitBits}`, ...relus, bytes: tables.length },
        ...{ run: garbled, floor: wide ? 0.5e6 : undefined },
      },
      {
        ...{ name: `ReLU gadget, evaluate, digits of ${digitBits}`, ...relus, bytes: tables.length },
        ...{ run: opened, floor: wide ? 1.5e6 : undefined },
      },
      {
        ...{ name: `digit keys, digits of ${digitBits}`, unit: 'keys', units: digits * COUNT, check },
        ...{ bytes: online.length, run: sent, floor: wide ? 30e6 : undefined },
      },
    ];
    if (wide) entries.push({ name: 'output masks', ...relus, bytes: 4 * COUNT, run: masks });
    return entries;
  });
}

/** Transfers per call: the labels of one chunk. */
const TRANSFERS = RING_BITS * COUNT;

export function transfers(): Entry[] {
  return [...([1, 2, 4] as const).flatMap(correlatedTransfers), ...checks()];
}

function correlatedTransfers(treeBits: OtTreeBits): Entry[] {
  const { receiver, sender } = session(treeBits);
  const choices = random(TRANSFERS).map((byte) => byte & 1);
  // A session's streams advance with every call; the timing needs only a matrix of the right length.
  const { matrix } = receiver.extend(choices);
  const check = () => {
    const fresh = session(treeBits);
    const { matrix, labels } = fresh.receiver.extend(choices);
    const zero = fresh.sender.extend(TRANSFERS, matrix);
    for (let i = 0; i < TRANSFERS; i += 97) {
      const label = block(zero, i);
      mustEqual(block(labels, i), choices[i] ? xor(label, fresh.sender.delta) : label);
    }
  };
  const common = { unit: 'transfers', units: TRANSFERS, bytes: matrix.length, floor: 8e6, check };
  const kind = treeBits === 1 ? 'IKNP' : `SoftSpokenOT, trees of depth ${treeBits}`;
  return [
    { name: `correlated OT, receiver, ${kind}`, ...common, run: () => receiver.extend(choices) },
    { name: `correlated OT, sender, ${kind}`, ...common, run: () => sender.extend(TRANSFERS, matrix) },
  ];
}

/** Both ends after base OTs from a trusted dealer. */
function session(treeBits: OtTreeBits): { receiver: CorrelatedOtReceiver; sender: CorrelatedOtSender } {
  const seeds = () => Array.from({ length: BASE_OTS }, randomSeed);
  const [zero, one, id] = [seeds(), seeds(), randomSeed()];
  const choices = random(BASE_OTS).map((byte) => byte & 1);
  choices[0] = 1;
  const chosen = [...choices].map((choice, j) => (choice ? one[j] : zero[j]));
  const receiver = new CorrelatedOtReceiver({ zero, one, session: id }, treeBits);
  const base = { choices, seeds: chosen, session: id };
  return { receiver, sender: new CorrelatedOtSender(base, treeBits, receiver.treeMessage) };
}

function checks(): Entry[] {
  const { receiver, sender } = session(4);
  const runs = [TRANSFERS, SPARE_TRANSFERS].map((count) => {
    const choices = random(count).map((byte) => byte & 1);
    const { matrix, labels } = receiver.extend(choices);
    return { chosen: { choices, labels }, zero: sender.extend(count, matrix) };
  });
  const [run, spare] = runs;
  const challenge = randomSeed();
  const proved = () => proveChoices(challenge, [run.chosen], spare.chosen);
  const proof = proved();
  const checked = () => checkChoices(challenge, [run.zero], spare.zero, sender.delta, proof);
  const check = () => {
    checked();
    const wrong = proof.with(20, proof[20] ^ 1);
    assert.throws(() => checkChoices(challenge, [run.zero], spare.zero, sender.delta, wrong));
  };
  const common = { unit: 'transfers', units: TRANSFERS, bytes: 16 * TRANSFERS, check };
  return [
    { name: 'check of transfers, proof', ...common, run: proved },
    { name: 'check of transfers, verification', ...common, run: checked },
  ];
}

/** Benchmarks of the stream from which masks and seeds are drawn. */
export function streams(): Entry[] {
  const prg = new Prg(randomSeed(), 'bench');
  const target = blocks(COUNT);
  return [
    {
      ...{ name: 'pseudorandom bytes', unit: 'blocks', units: COUNT, bytes: 16 * COUNT },
      run: () => prg.fill(target),
      check: () => {
        const seed = randomSeed();
        new Prg(seed, 'label').fill(target);
        mustEqual(target, new Prg(seed, 'label').bytes(16 * COUNT));
      },
    },
  ];
}

function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}
