import { setImmediate } from 'node:timers/promises';
import { RangeMeter } from '../../model/fixed-point/ranges.ts';
import type { FloatNetwork, FloatRunner } from '../../model/float-network.ts';
import type { LabelledInputs } from './accuracy.ts';
import { type Calibration, FEW_INPUTS } from './calibration.ts';

/** Inputs with the float network's results. */
export interface MeasuredInputs {
  readonly images: readonly Float32Array[];
  readonly logits: readonly Float32Array[];
  readonly meter: RangeMeter;
  /** The inputs whose class is one of the network's. */
  readonly labelled: LabelledInputs;
}

/**
 * Runs the float network on all inputs.
 *
 * @param numbers the network's class for each of the data set's; null if they do not match
 * @param done called after each input
 */
export async function measureInputs(
  network: FloatNetwork,
  runner: FloatRunner,
  { images, classes }: Calibration,
  numbers: readonly (number | null)[] | null,
  done: () => void,
): Promise<MeasuredInputs> {
  const meter = new RangeMeter(network, runner);
  const logits: Float32Array[] = [];
  for (const image of images) {
    logits.push(meter.add(image)[network.layers.length - 1]);
    await setImmediate();
    done();
  }
  const known = classes.map((label) => (label === null ? null : (numbers?.[label] ?? null)));
  const places = [...images.keys()].filter((i) => known[i] !== null);
  return {
    images,
    logits,
    meter,
    labelled: {
      images: places.map((i) => images[i]),
      classes: places.map((i) => known[i] as number),
      logits: places.map((i) => logits[i]),
    },
  };
}

/** Share of the inputs from which ranges are measured; the rest check the result. */
const MEASURED_SHARE = 2 / 3;

/** Splits the inputs into those to measure ranges on and those to check on; uses all for both if they are few. */
export function parted(inputs: Calibration): [Calibration, Calibration] {
  const { length } = inputs.images;
  if (length < FEW_INPUTS) return [inputs, inputs];
  const count = Math.round(MEASURED_SHARE * length);
  const isMeasured = (i: number) => Math.floor(((i + 1) * count) / length) > Math.floor((i * count) / length);
  const those = (wanted: (i: number) => boolean) => ({
    ...inputs,
    images: inputs.images.filter((_, i) => wanted(i)),
    classes: inputs.classes.filter((_, i) => wanted(i)),
  });
  return [those(isMeasured), those((i) => !isMeasured(i))];
}
