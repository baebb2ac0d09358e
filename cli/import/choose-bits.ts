import type { Calibration } from '../../model/card.ts';
import { inputScales } from '../../model/fixed-point/input-scales.ts';
import { type FixedPointPlan, planFixedPoint } from '../../model/fixed-point/planner.ts';
import { type ModelFacts, quantizeNetwork } from '../../model/fixed-point/quantize.ts';
import type { LayerRanges } from '../../model/fixed-point/ranges.ts';
import type { FloatNetwork } from '../../model/float-network.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { PLANNING } from '../plan/planning.ts';
import { type Agreement, agreementOf } from './agreement.ts';

/** A choice of k with the network it makes, and what it loses. */
export interface Candidate {
  readonly plan: FixedPointPlan;
  readonly network: FixedNetwork;
  readonly agreement: Agreement;
}

const RING_BITS = [9, 10, 11, 12, 13, 14, 15, 16];

/** The smallest k is taken that gives the float network's answer on this share of the images (percent), or the best one. */
export const LEAST_AGREEMENT = 99;

/** Plans the network for `ringBits`, or for each k from the smallest on until one is good enough. */
export async function chooseBits(
  network: FloatNetwork,
  ranges: readonly LayerRanges[],
  facts: ModelFacts,
  images: {
    readonly check: readonly Float32Array[];
    readonly logits: readonly Float32Array[];
    readonly calibration: number;
    readonly source: Calibration;
    /** Largest magnitude of each channel of the input. */
    readonly largest: Float64Array;
  },
  ringBits: number | undefined,
  onCandidate: (candidate: Candidate, k: number) => Promise<void>,
): Promise<Candidate> {
  let best: Candidate | undefined;
  let refusal: unknown;
  for (const k of ringBits === undefined ? RING_BITS : [ringBits]) {
    let plan: FixedPointPlan;
    try {
      plan = planFixedPoint(network, ranges, {
        ...PLANNING,
        ringBits: k,
        calibrationImages: images.calibration,
        calibration: images.source,
        input: inputScales(facts.inputKind, images.largest, k),
      });
    } catch (error) {
      // Outputs that are too large beside the inputs of one k may fit those of a larger one.
      refusal = error;
      continue;
    }
    const fixed = quantizeNetwork(network, plan, facts);
    const agreement = await agreementOf(fixed, images.check, images.logits);
    const candidate = { plan, network: fixed, agreement };
    await onCandidate(candidate, k);
    if (!best || agreement.sameAnswer > best.agreement.sameAnswer) best = candidate;
    if (agreement.sameAnswer >= LEAST_AGREEMENT) break;
  }
  if (!best) throw refusal;
  return best;
}
