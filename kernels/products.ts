import { kernels } from './load.ts';

/**
 * Oblivious products (crypto/ot/oblivious-product.ts): the work of one transfer, of choice weight 2^j, for all elements of a
 * chunk. All arrays lie in the kernel memory; counts are taken from `factors`.
 */

/** Hash inputs of labels and, with `delta`, of the other labels of their transfers in a second plane. */
export function transferInputs(
  labels: Uint8Array,
  delta: Uint8Array | null,
  out: Uint8Array,
  count: number,
  first: number,
): void {
  kernels().call.transferInputs(at(labels), delta ? at(delta) : 0, at(out), count, first);
}

/** Where correction j of an element stands: from bit `low` of a word on. */
export interface Place {
  readonly j: number;
  readonly words: Uint32Array;
  readonly low: number;
}

/** What both roles hand over: hash inputs y and AES(y), factors, and the sums that they add to. */
export interface Transfer {
  readonly inputs: Uint8Array;
  readonly ciphers: Uint8Array;
  readonly factors: Uint32Array;
  readonly sums: Uint32Array;
}

/** Sender: fills in the corrections, in words that are 0 there, and adds its part to the sums. Two planes of hashes. */
export function offerCorrections(transfer: Transfer, place: Place): void {
  kernels().call.offerCorrections(...addresses(transfer, place));
}

/** Receiver: adds its part to the sums. One plane of hashes; bits above a correction do no harm. */
export function takeCorrections(transfer: Transfer, place: Place): void {
  kernels().call.takeCorrections(...addresses(transfer, place));
}

const at = (view: ArrayBufferView) => kernels().memory.address(view);

function addresses({ inputs, ciphers, factors, sums }: Transfer, { j, words, low }: Place): number[] {
  return [at(inputs), at(ciphers), at(factors), at(words), at(sums), j, low, factors.length];
}
