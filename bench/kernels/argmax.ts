/** Benchmarks of the argmax circuit in both roles. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  argmaxBytes,
  argmaxChoices,
  argmaxHash,
  argmaxServerLabels,
  evaluateArgmax,
  garbleArgmax,
} from '../../crypto/garbling/argmax.ts';
import type { GarblerKeys } from '../../crypto/garbling/gadget.ts';
import { Prg, randomSeed } from '../../crypto/prg.ts';
import type { Entry } from './entry.ts';

export function argmaxes(): Entry[] {
  return [
    { logits: 100, classes: 1 },
    { logits: 100, classes: 5 },
    { logits: 1000, classes: 1 },
  ].flatMap((argmax) => {
    const { labels, tables: bytes } = argmaxBytes(argmax);
    const seed = randomSeed();
    const delta = random(16);
    delta[0] |= 1;
    const keys: GarblerKeys = { seed, delta, nonce: random(16), layer: 0 };
    const zero = random(16 * labels);
    const [a, b] = ['a', 'b'].map((share) => new Prg(seed, share).words(argmax.logits));
    const choices = argmaxChoices(argmax, b);
    const held = zero.map((byte, i) => byte ^ (choices[i >> 4] ? delta[i & 15] : 0));
    const garbled = () => garbleArgmax(argmax, keys, zero);
    const [tables, online] = [garbled(), argmaxServerLabels(argmax, keys, a)];
    const hash = argmaxHash(argmax, keys);
    const opened = () => evaluateArgmax(argmax, hash, tables, held, online);
    const check = () => {
      const logits = Int32Array.from(a, (word, i) => word + b[i]);
      const order = [...logits.keys()].sort((i, j) => logits[j] - logits[i]);
      assert.deepEqual(opened(), order.slice(0, argmax.classes));
    };
    const what = `top ${argmax.classes} of ${argmax.logits} logits`;
    const common = { unit: 'circuits', units: 1, bytes, check };
    return [
      { name: `${what}, garble`, ...common, run: garbled },
      { name: `${what}, evaluate`, ...common, run: opened },
    ];
  });
}

function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}
