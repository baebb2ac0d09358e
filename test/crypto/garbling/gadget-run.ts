import { randomBytes } from 'node:crypto';
import { clientBits, evaluate } from '../../../crypto/garbling/evaluate.ts';
import { type Gadget, type GarblerKeys, gadgetBytes } from '../../../crypto/garbling/gadget.ts';
import { garble } from '../../../crypto/garbling/garble.ts';
import { outputMasks, removeMask, serverLabels } from '../../../crypto/garbling/online.ts';
import { randomSeed } from '../../../crypto/prg.ts';
import { subtractShares } from '../../../crypto/ring.ts';

/** Both roles on one chunk in one process, with OT replaced by its result. */

export function freshKeys(
  seed = randomSeed(),
  nonce = randomBlock(),
  layer = 0,
): GarblerKeys & { readonly delta: Uint8Array } {
  return { seed, delta: randomDelta(), nonce, layer };
}

/** Delta as the base OTs give it. */
export function randomDelta(): Uint8Array {
  const delta = randomBlock();
  delta[0] |= 1;
  return delta;
}

export function randomBlock(): Uint8Array {
  return new Uint8Array(randomBytes(16));
}

export function randomWords(count: number): Uint32Array {
  return new Uint32Array(new Uint8Array(randomBytes(4 * count)).buffer);
}

export function relu(ringBits: number, dropBits: number, digitBits: 1 | 2 = 2): Gadget {
  return { kind: 'relu', ringBits, dropBits, shiftBits: 0, digitBits };
}

export function rescale(dropBits: number): Gadget {
  return { kind: 'rescale', ringBits: 0, dropBits, shiftBits: 0, digitBits: 2 };
}

/** What OT gives the evaluator: of each pair (zero, zero xor delta) the label of its bit. */
export function chooseLabels(zero: Uint8Array, delta: Uint8Array, bits: Uint8Array): Uint8Array {
  return zero.map((byte, i) => byte ^ (bits[i >> 4] ? delta[i & 15] : 0));
}

/** Garbler and evaluator on shares of x, the evaluator's being b: the result f(x), and what the evaluator sees. */
export function run(gadget: Gadget, x: Int32Array, b: Uint32Array, first = 0, keys = freshKeys()) {
  const count = x.length;
  const a = subtractShares(new Uint32Array(x), b);
  const zero = new Uint8Array(randomBytes(16 * gadgetBytes(gadget).labels * count));
  const tables = garble(gadget, keys, first, count, zero);
  const labels = chooseLabels(zero, keys.delta, clientBits(gadget, b));
  const online = serverLabels(gadget, keys, first, count, a);
  const elements = { nonce: keys.nonce, layer: keys.layer, first, count };
  const open = (clientLabels = labels, onlineLabels = online) =>
    evaluate(gadget, elements, { share: b, tables, clientLabels, onlineLabels });
  const remove = (opened: Uint32Array) =>
    new Int32Array(removeMask(gadget, outputMasks(keys, first, count), opened, a));
  const opened = open();
  return { keys, a, tables, labels, online, opened, output: remove(opened), open, remove };
}

/** floor((x + 2^f) / 2^f) less the carry of the dropped bits, then the function, shifted up; without dropped bits x itself. */
export function expected(
  { kind, dropBits, shiftBits }: Gadget,
  x: Int32Array,
  a: Uint32Array,
  b: Uint32Array,
): Int32Array {
  const unit = 2 ** dropBits;
  return x.map((value, e) => {
    const carry = (a[e] % unit) + (b[e] % unit) >= unit ? 1 : 0;
    const rounded = Math.floor(value / unit) + (dropBits === 0 ? 0 : 1) - carry;
    return (kind === 'relu' ? Math.max(0, rounded) : rounded) << shiftBits;
  });
}

/**
 * The bounds of x, both included: within them the result, rounded either way, is representable. For 'relu'
 * -2^(k-1) <= x' and x' < 2^(k-1), where x' is floor(x / 2^f) or one more if f > 0.
 */
export function bounds({ kind, ringBits, dropBits }: Gadget): [number, number] {
  const unit = 2 ** dropBits;
  const rounding = dropBits === 0 ? 0 : unit;
  const half = kind === 'relu' ? 2 ** (ringBits - 1 + dropBits) : 2 ** 30;
  return [-half, half - rounding - 1];
}

/** Values between the bounds, all borders first, and shares of every sort. */
export function samples(gadget: Gadget, count: number): { x: Int32Array; b: Uint32Array } {
  const [low, high] = bounds(gadget);
  const unit = 2 ** gadget.dropBits;
  const edges = [low, low + 1, -unit - 1, -unit, 1 - unit, -1, 0, 1, unit - 1, unit, high - 1, high];
  const possible = edges.filter((value) => value >= low && value <= high);
  const [values, shares] = [randomWords(count), randomWords(count)];
  const x = Int32Array.from(values, (word, e) =>
    e < 3 * possible.length
      ? possible[e % possible.length]
      : low + Math.floor((word / 2 ** 32) * (high - low + 1)),
  );
  const special = [0, 2 ** 31, 2 ** 32 - 1, 1];
  const b = shares.map((word, e) => (e % 7 < special.length ? special[e % 7] : word));
  // Now and then the other share is the special one.
  for (let e = 6; e < count; e += 7) b[e] = x[e] - special[e % special.length];
  return { x, b };
}

/** The bytes of a gadget of which the evaluator keeps all labels and tables, and answers one word. */
export function allKept(bytes: { labels: number; tables: number; online: number }) {
  return { ...bytes, kept: { labels: 16 * bytes.labels, tables: bytes.tables }, reply: 4 };
}
