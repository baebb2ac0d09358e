import { sha256Hex } from '#platform/digest';
import { SphynxError } from '../errors/sphynx-error.ts';
import { cardFormat, type ModelCard, parseModelCard } from './card.ts';
import { countMacs, countRelus, elementsOf, termWeights } from './geometry.ts';
import { hashedJson } from './hashed-json.ts';
import type { Output } from './output.ts';

/** The secret part of a linear layer. */
export interface LayerWeights {
  /** Per term, [out, in / groups, kernelHeight, kernelWidth]. */
  readonly kernels: readonly Int32Array[];
  /** Per output channel or, where positions differ, per element, at the scale of the layer's output (input scale times weight scale). */
  readonly bias: Int32Array;
}

/** A network in integers, which the server holds. The card is public, the weights are not. */
export interface FixedNetwork {
  /** The public description for clients. */
  readonly card: ModelCard;
  /** Secret weights, one entry for each layer of the card. */
  readonly layers: readonly LayerWeights[];
}

/** A card without its derived fields. */
export interface CardDraft extends Omit<ModelCard, 'format' | 'hash' | 'relus' | 'macs' | 'output'> {}

/**
 * Assembles the network from a card and weights, and computes counts and hash. Throws 'model/format' if the card is not
 * valid or a kernel does not have its term's size.
 */
export function assembleNetwork(draft: CardDraft, layers: readonly LayerWeights[]): FixedNetwork {
  if (layers.length !== draft.layers.length)
    throw new SphynxError(
      'model/format',
      `${layers.length} layers of weights for ${draft.layers.length} layers`,
    );
  for (const [l, { kernels, bias }] of layers.entries()) {
    const { name, terms, output } = draft.layers[l];
    const sizes = terms.map((_, t) => termWeights(draft, l, t));
    if (kernels.length !== sizes.length || kernels.some(({ length }, t) => length !== sizes[t]))
      throw new SphynxError(
        'model/format',
        `layer ${name}: expected kernels of ${sizes.join(' + ')} weights`,
      );
    if (bias.length !== output.channels && bias.length !== elementsOf(output))
      throw new SphynxError(
        'model/format',
        `layer ${name}: expected a bias of ${output.channels} or ${elementsOf(output)}, got ${bias.length}`,
      );
  }
  const card = parseModelCard({
    ...draft,
    format: cardFormat(draft.layers),
    hash: '0'.repeat(64),
    relus: countRelus(draft),
    macs: countMacs(draft),
    output: 'logits',
  });
  return { card: { ...card, hash: networkHash(card, layers) }, layers };
}

/**
 * Returns the same network with another `output`. For classes, the single logit of a sigmoid becomes two. Throws
 * 'config/invalid' if no class is the likeliest, 'model/format' if there are fewer classes.
 */
export function withOutput(network: FixedNetwork, output: Output): FixedNetwork {
  const { card, layers } = output === 'logits' ? network : withTwoLogits(network);
  if (output !== 'logits' && card.head !== 'softmax')
    throw new SphynxError(
      'config/invalid',
      `${card.name} gives ${card.head === 'values' ? 'numbers that are no classes' : 'labels that each apply or not by themselves'}, so none is the likeliest: serve it with the output logits, also if the server's other models have the output ${output}`,
    );
  const changed = parseModelCard({ ...card, output });
  return { card: { ...changed, hash: networkHash(changed, layers) }, layers };
}

/**
 * Converts the single logit z of a sigmoid to the two logits 0 and z, whose softmax gives the same probabilities. Other
 * networks are returned unchanged.
 */
function withTwoLogits(network: FixedNetwork): FixedNetwork {
  const { card } = network;
  if (card.head !== 'sigmoid') return network;
  const last = card.layers.length - 1;
  const zerosFirst = (row: Int32Array) => {
    const rows = new Int32Array(2 * row.length);
    rows.set(row, row.length);
    return rows;
  };
  const layers = network.layers.with(last, {
    kernels: network.layers[last].kernels.map(zerosFirst),
    bias: zerosFirst(network.layers[last].bias),
  });
  const output = { ...card.layers[last].output, channels: 2 };
  return assembleNetwork(
    { ...card, head: 'softmax', layers: card.layers.with(last, { ...card.layers[last], output }) },
    layers,
  );
}

/** SHA-256 (hex) over the card without its hash, then every kernel and bias as little-endian words with their lengths. */
export function networkHash(card: ModelCard, layers: readonly LayerWeights[]): string {
  const words = layers.flatMap(({ kernels, bias }) => [...kernels, bias]);
  return sha256Hex(
    hashedJson({ ...card, hash: '' }),
    ...words.flatMap((array) => [
      new Uint8Array(Uint32Array.of(array.length).buffer),
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    ]),
  );
}

/** The largest L2 norm of one output channel's integer kernel over all terms. */
export function weightNorm({ kernels }: LayerWeights, channels: number): number {
  let largest = 0;
  for (let channel = 0; channel < channels; channel++) {
    let squares = 0;
    for (const kernel of kernels) {
      const depth = kernel.length / channels;
      for (let i = channel * depth; i < (channel + 1) * depth; i++) squares += kernel[i] ** 2;
    }
    largest = Math.max(largest, squares);
  }
  return Math.sqrt(largest);
}
