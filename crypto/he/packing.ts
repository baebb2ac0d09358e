import { chooseLayout } from './choose-layout.ts';
import { draftParts, type EncodingDraft, groupParts, type PartDraft, reachOf } from './group-terms.ts';
import { type Layout, tileAt, tileCount } from './layout.ts';
import { outputsOf } from './output-blocks.ts';
import { DEGREE, INPUT_CIPHERTEXT_BYTES, outputCiphertextBytes, SEED_BYTES } from './parameters.ts';
import type { Encoding, HeLayer, HePlan, HeShape, PartPacking, PartTerm, TensorPacking } from './plan.ts';

/**
 * Plans the ciphertexts of a network whose `layers` read `tensors`, for the fewest bytes in both directions
 * together. `degree` is smaller in tests only. Throws 'crypto/parameters' if a kernel is too large.
 */
export function planHe(tensors: readonly HeShape[], layers: readonly HeLayer[], degree = DEGREE): HePlan {
  const parts = draftParts(tensors, layers);
  const layouts = new Map<EncodingDraft, Layout>();
  for (const family of groupParts(parts)) {
    const layout = chooseLayout(degree, {
      rows: reachOf(family, 'rows'),
      columns: reachOf(family, 'columns'),
      inputs: [...family.encodings].map(({ tensor, phases }) => tensors[tensor].channels * phases.length),
      outputs: family.parts.map(({ layer }) => layers[layer].output),
    });
    for (const encoding of family.encodings) layouts.set(encoding, layout);
  }
  const encodings = new Map<EncodingDraft, Encoding>();
  return {
    tensors: tensors.map((shape, tensor) => packTensor(shape, tensor, layouts, encodings)),
    layers: layers.map((layer, l) => ({
      parts: parts
        .filter((part) => part.layer === l)
        .map((part) => packPart(part, layer, tensors, encodings)),
    })),
  };
}

/** Packs a tensor and enters its encodings in `encodings`. */
function packTensor(
  shape: HeShape,
  tensor: number,
  layouts: Map<EncodingDraft, Layout>,
  encodings: Map<EncodingDraft, Encoding>,
): TensorPacking {
  const own: Encoding[] = [];
  let first = 0;
  for (const [draft, layout] of layouts) {
    if (draft.tensor !== tensor) continue;
    const { strideY, strideX, phases } = draft;
    const groups = Math.ceil((shape.channels * phases.length) / layout.channelsIn);
    const encoding: Encoding = { strideY, strideX, phases, layout, groups, first };
    encodings.set(draft, encoding);
    own.push(encoding);
    first += groups * tileCount(layout);
  }
  return { shape, encodings: own, ciphertexts: first, bytes: SEED_BYTES + first * INPUT_CIPHERTEXT_BYTES };
}

function packPart(
  { terms }: PartDraft,
  { output, terms: own }: HeLayer,
  tensors: readonly HeShape[],
  encodings: Map<EncodingDraft, Encoding>,
): PartPacking {
  const sources = terms.map(({ index, encoding, rows, columns }): PartTerm => {
    const { groups } = own[index];
    return { shape: tensors[encoding.tensor], encoding: encodings.get(encoding)!, rows, columns, groups };
  });
  const { layout } = sources[0].encoding;
  const channelsOut = Math.min(layout.channelsOut, output.channels);
  const tiles = Array.from({ length: tileCount(layout) }, (_, tile) => tile).filter((tile) => {
    const { row, column } = tileAt(layout, tile);
    return row.outFirst < output.height && column.outFirst < output.width;
  });
  const groups = Math.ceil(output.channels / channelsOut);
  const part = {
    terms: terms.map(({ index }) => index),
    sources,
    output,
    layout,
    channelsOut,
    groups,
    tiles,
  };
  const ciphertexts = groups * tiles.length;
  let bytes = 0;
  for (let index = 0; index < ciphertexts; index++)
    bytes += outputCiphertextBytes(outputsOf(part, index).count);
  return { ...part, ciphertexts, bytes };
}
