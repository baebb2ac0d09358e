import { itself, termOf, then } from '../../fixtures/layer-paths.ts';
import { randomNetwork } from '../../fixtures/random-network.ts';
import type { FixedNetwork } from '../../model/network.ts';
import type { LayerShape } from '../../model/shape.ts';

/**
 * MiniONN's network for CIFAR-10 (Liu, Juuti, Lu, Asokan, CCS 2017, figure 13), of which DELPHI's authors trained versions
 * with quadratic activations: their count, and the layers that have them.
 */
const QUADRATICS: Record<string, readonly number[]> = {
  0: [],
  3: [0, 2, 3],
  5: [0, 1, 3, 5, 6],
  6: [0, 1, 2, 3, 5, 6],
  7: [0, 1, 2, 3, 4, 5, 6],
};

const CHANNELS = [64, 64, 64, 64, 64, 64, 16];
const KERNELS = [3, 3, 3, 3, 3, 1, 1];
/** Layers that read an average pool of the previous one. */
const POOLED = [2, 4];

/** Syntax of the names that `minionnModel` knows, for people. */
export const MINIONN_NAMES = `minionn:Q with Q = ${Object.keys(QUADRATICS).join(', ')} quadratic layers`;

/** Returns the network with random weights for a name such as `minionn:7`; undefined for other names. */
export function minionnModel(name: string): FixedNetwork | undefined {
  const [, count] = /^minionn:(\d)$/.exec(name) ?? [];
  if (count === undefined || !Object.hasOwn(QUADRATICS, count)) return undefined;
  const layers: LayerShape[] = [];
  let x = itself(0, 32);
  for (const [l, channels] of CHANNELS.entries()) {
    if (POOLED.includes(l)) x = then(x, 2, 2, 0);
    const path = then(x, KERNELS[l], 1, KERNELS[l] >> 1);
    const output = { channels, height: path.side, width: path.side };
    layers.push({ name: `convolution-${l}`, output, terms: [termOf(path)] });
    x = itself(l + 1, path.side);
  }
  const logits = { channels: 10, height: 1, width: 1 };
  layers.push({ name: 'logits', output: logits, terms: [termOf(then(x, x.side, 1, 0))] });
  const square = CHANNELS.map((_, l) => Number(QUADRATICS[count].includes(l)));
  const input = { channels: 3, height: 32, width: 32 };
  return randomNetwork(`random-minionn-${count}`, input, layers, 1, { square });
}
