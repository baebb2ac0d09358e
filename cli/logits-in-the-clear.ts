import { type ClassifyInput, prepareInput } from '../client/input.ts';
import { realLogits } from '../client/scores.ts';
import { nearest, runInteger } from '../model/executor.ts';
import type { FixedNetwork } from '../model/network.ts';

/** Returns the logits of the integer executor, rounded to the nearest. Throws as `prepareInput`. */
export async function logitsInTheClear(network: FixedNetwork, input: ClassifyInput): Promise<Float64Array> {
  const { card } = network;
  return realLogits(card, runInteger(network, await prepareInput(input, card), nearest).logits);
}
