import type { Calibration } from '../../model/card.ts';
import type { FixedPointPlan } from '../../model/fixed-point/fixed-point-plan.ts';
import { inputScales } from '../../model/fixed-point/input-scales.ts';
import { planFixedPoint } from '../../model/fixed-point/planner.ts';
import { type ModelFacts, quantizeNetwork } from '../../model/fixed-point/quantize.ts';
import type { LayerRanges } from '../../model/fixed-point/ranges.ts';
import { channelKinds } from '../../model/fixed-point/square-scales.ts';
import type { FloatNetwork } from '../../model/float-network.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { type Agreement, agreementOf } from './agreement.ts';
import { PLANNING } from './planning.ts';

/** A choice of k with the resulting network and its losses. */
export interface Candidate {
  readonly plan: FixedPointPlan;
  readonly network: FixedNetwork;
  readonly agreement: Agreement;
}

const RING_BITS = [9, 10, 11, 12, 13, 14, 15, 16];

/** Used for any k if k makes no difference. */
const ANY_RING_BITS = [12];

/** Whether k makes a difference. Squares have their own bits, and so does a picture that only squares read. */
export function dependsOnBits({ layers }: FloatNetwork, { inputKind }: ModelFacts): boolean {
  const hasOthers = layers.slice(0, -1).some((layer) => channelKinds(layer).some(({ other }) => other));
  return hasOthers || inputKind !== 'picture';
}

/**
 * Plans the network for `ringBits`, or for each k in ascending order until `isEnough` accepts one. If it accepts none,
 * returns the best one. If k makes no difference, tries a single one.
 */
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
  isEnough: (candidate: Candidate, k: number) => Promise<boolean>,
): Promise<{ candidate: Candidate; enough: boolean }> {
  let best: Candidate | undefined;
  let refusal: unknown;
  const choices = dependsOnBits(network, facts) ? RING_BITS : ANY_RING_BITS;
  for (const k of ringBits === undefined ? choices : [ringBits]) {
    let plan: FixedPointPlan;
    let fixed: FixedNetwork;
    try {
      plan = planFixedPoint(network, ranges, {
        ...PLANNING,
        ringBits: k,
        calibrationImages: images.calibration,
        calibration: images.source,
        input: inputScales(facts.inputKind, images.largest, k, network),
      });
      fixed = quantizeNetwork(network, plan, facts);
    } catch (error) {
      // Outputs that are too large for one k may fit a larger one.
      refusal = error;
      continue;
    }
    const agreement = await agreementOf(fixed, images.check, images.logits);
    const candidate = { plan, network: fixed, agreement };
    if (await isEnough(candidate, k)) return { candidate, enough: true };
    if (!best || agreement.sameAnswer > best.agreement.sameAnswer) best = candidate;
  }
  if (!best) throw refusal;
  return { candidate: best, enough: false };
}

/** Says that no fixed point met the `demand`, and which one is used. `ringBits`: the k that was asked for. */
export function shortfall(demand: string, depends: boolean, ringBits: number | undefined): string {
  const used = !depends
    ? 'k makes no difference to this network'
    : ringBits === undefined
      ? `no k from ${RING_BITS[0]} to ${RING_BITS[RING_BITS.length - 1]} does, and the best one is used`
      : `k = ${ringBits} does not, and is used all the same; leave out --ring-bits to try others`;
  return `wanted a fixed point that ${demand}: ${used}. The report names the layer that loses most`;
}
