import { CALIBRATIONS } from '../card.ts';
import { Fields } from '../fields.ts';
import {
  MAX_CHANNELS,
  MAX_INPUT,
  MAX_INPUT_SCALE_BITS,
  MAX_LAYERS,
  MAX_LOGIT_SCALE_BITS,
  MAX_NAME,
  MAX_PRODUCT_BITS,
  MAX_SHIFT_BITS,
  MAX_SQUARE_DROP_BITS,
  MIN_DROP_BITS,
  RING_BITS,
} from '../limits.ts';
import type { FixedPointPlan } from './fixed-point-plan.ts';
import type { SquareBits } from './square-scales.ts';

const LAYER_NAME = new RegExp(`^[\\x20-\\x7e]{1,${MAX_NAME}}$`);

/** Reads the plan in a model's `fixed-point.json`, whose other fields are for people. Throws 'model/format'. */
export function readPlan(json: unknown): FixedPointPlan {
  const plan = new Fields(json, 'fixed-point');
  const channels = plan.list('inputScaleBits', 1, MAX_CHANNELS).length;
  return {
    format: plan.oneOf('format', 2),
    marginPercent: plan.integer('marginPercent', 100, 10_000),
    calibrationImages: plan.integer('calibrationImages', 1, Number.MAX_SAFE_INTEGER),
    calibration: plan.oneOf('calibration', ...CALIBRATIONS),
    inputScaleBits: plan.integers('inputScaleBits', channels, -MAX_INPUT_SCALE_BITS, MAX_INPUT_SCALE_BITS),
    inputLimit: plan.value('inputLimit') === null ? null : plan.integer('inputLimit', 1, MAX_INPUT),
    logitScaleBits: plan.integer('logitScaleBits', 0, MAX_LOGIT_SCALE_BITS),
    layers: plan.each('layers', 0, MAX_LAYERS, (layer) => {
      const ringBits = layer.integer('ringBits', RING_BITS.min, RING_BITS.max);
      const channels = layer.list('scales', 1, MAX_CHANNELS).length;
      return {
        name: layer.text('name', LAYER_NAME),
        ringBits,
        dropBits: layer.integer('dropBits', MIN_DROP_BITS, MAX_PRODUCT_BITS - ringBits),
        scales: layer.numbers('scales', channels, Number.MIN_VALUE, Number.MAX_VALUE),
        squares: readSquares(layer),
      };
    }),
  };
}

/** Plans of models without squares may leave the field out. */
function readSquares(layer: Fields): SquareBits | null {
  if ((layer.value('squares') ?? null) === null) return null;
  const squares = layer.fields('squares');
  return {
    dropBits: squares.integer('dropBits', MIN_DROP_BITS, MAX_SQUARE_DROP_BITS),
    shiftBits: squares.integer('shiftBits', 0, MAX_SHIFT_BITS),
  };
}
