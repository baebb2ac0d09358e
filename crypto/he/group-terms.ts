import type { Reach } from './layout.ts';
import { type Axis, liveTaps, phaseSize } from './phases.ts';
import type { HeLayer, HeShape, HeTerm, Phase } from './plan.ts';

/** Sorts the terms of all layers: which tensors are encrypted for which strides, and what must share a layout. */

/** A tensor that is encrypted for the layers that read it with the same strides. */
export interface EncodingDraft {
  readonly tensor: number;
  readonly strideY: number;
  readonly strideX: number;
  readonly phases: Phase[];
}

/** Terms of one layer that are summed in ciphertexts: those whose maps, divided by the stride, are equal in size. */
export interface PartDraft {
  readonly layer: number;
  readonly terms: TermDraft[];
}

export interface TermDraft {
  readonly index: number;
  readonly encoding: EncodingDraft;
  readonly rows: Axis;
  readonly columns: Axis;
}

/** Encodings and parts that are tied together: each part's encodings stand alike, and so do each encoding's parts. */
export interface Family {
  readonly encodings: Set<EncodingDraft>;
  readonly parts: PartDraft[];
}

/** The axes of a term's convolution. */
export function axesOf(term: HeTerm, tensor: HeShape, output: HeShape): { rows: Axis; columns: Axis } {
  const { strideY, strideX } = term;
  return {
    rows: {
      kernel: term.kernelHeight,
      stride: strideY,
      pad: term.padTop,
      size: phaseSize(tensor.height, strideY),
      out: output.height,
    },
    columns: {
      kernel: term.kernelWidth,
      stride: strideX,
      pad: term.padLeft,
      size: phaseSize(tensor.width, strideX),
      out: output.width,
    },
  };
}

export function draftParts(tensors: readonly HeShape[], layers: readonly HeLayer[]): PartDraft[] {
  const encodings: EncodingDraft[] = [];
  return layers.flatMap(({ output, terms }, layer) => {
    const parts: PartDraft[] = [];
    for (const [index, term] of terms.entries()) {
      const axes = axesOf(term, tensors[term.tensor], output);
      const encoding = encodingFor(encodings, term, axes);
      const draft = { index, encoding, ...axes };
      const part = parts.find(({ terms: [first] }) => sameMaps(first, draft));
      if (part) part.terms.push(draft);
      else parts.push({ layer, terms: [draft] });
    }
    return parts;
  });
}

function encodingFor(
  encodings: EncodingDraft[],
  { tensor, strideY, strideX }: HeTerm,
  axes: { rows: Axis; columns: Axis },
): EncodingDraft {
  const known = encodings.find(
    (other) => other.tensor === tensor && other.strideY === strideY && other.strideX === strideX,
  );
  const encoding = known ?? { tensor, strideY, strideX, phases: [] };
  if (!known) encodings.push(encoding);
  const { phases } = encoding;
  const there = new Set(phases.map(({ row, column }) => row * strideX + column));
  const columns = new Set(liveTaps(axes.columns).map(({ phase }) => phase));
  for (const row of new Set(liveTaps(axes.rows).map(({ phase }) => phase)))
    for (const column of columns) if (!there.has(row * strideX + column)) phases.push({ row, column });
  return encoding;
}

function sameMaps(a: { rows: Axis; columns: Axis }, b: { rows: Axis; columns: Axis }): boolean {
  return a.rows.size === b.rows.size && a.columns.size === b.columns.size;
}

/** The smallest families: parts that share an encoding belong to one. */
export function groupParts(parts: readonly PartDraft[]): Family[] {
  let families: Family[] = [];
  for (const part of parts) {
    const own = new Set(part.terms.map(({ encoding }) => encoding));
    const tied = families.filter(({ encodings }) => [...own].some((encoding) => encodings.has(encoding)));
    families = families.filter((family) => !tied.includes(family));
    families.push({
      encodings: new Set([...tied.flatMap(({ encodings }) => [...encodings]), ...own]),
      parts: [...tied.flatMap((family) => family.parts), part],
    });
  }
  return families;
}

/** What a family asks of one axis of its layout. */
export function reachOf(family: Family, axis: 'rows' | 'columns'): Reach {
  const axes = family.parts.flatMap(({ terms }) => terms.map((term) => term[axis]));
  const offsets = axes.flatMap((one) => liveTaps(one).map(({ offset }) => offset));
  return {
    size: Math.max(...axes.map(({ size }) => size)),
    out: Math.max(...axes.map(({ out }) => out)),
    before: Math.max(0, ...offsets.map((offset) => -offset)),
    after: Math.max(0, ...offsets),
  };
}
