import { BLOCK_BYTES, xorBlocks, xorEach } from '../../kernels/blocks.ts';
import {
  type AdderPosition,
  type AndCiphers,
  adderInputs,
  evaluateAnd,
  garbleAnd,
} from '../../kernels/half-gates.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import type { GateHash } from '../hash.ts';
import type { Rows } from './rows.ts';

/**
 * Circuits that both roles walk by the same code: half gates with free XOR (Zahur, Rosulek, Evans 2015) on wires of
 * many elements at once. A wire is an array of labels in kernel memory [16 * elements]: for the garbler of its zero
 * labels, for the evaluator of the labels that it holds. The constant 0 has the label 0.
 */
export abstract class Gates {
  readonly memory: KernelMemory;
  readonly #hash: GateHash;
  #gates = 0;

  /** `hash`: with two purposes for every call of `and`, all of this circuit alone. */
  constructor(memory: KernelMemory, hash: GateHash) {
    this.memory = memory;
    this.#hash = hash;
  }

  abstract not(wire: Uint8Array): Uint8Array;

  /** into = into XOR (left AND right). The hash keys are fresh for every call, the element is the tweak. */
  and(left: Uint8Array, right: Uint8Array, into: Uint8Array): void {
    const { memory } = this;
    memory.scope(() => {
      const { length } = left;
      const hashed = () => memory.bytes(this.hashedLabels * length);
      const position = {
        left: memory.bytes(length),
        right: memory.bytes(length),
        leftInputs: hashed(),
        rightInputs: hashed(),
      };
      const ciphers = { left: hashed(), right: hashed() };
      const sum = memory.bytes(length);
      adderInputs(left, right, this.constant(length), this.delta, position, sum, 0);
      this.#hash.cipher(2 * this.#gates, position.leftInputs, ciphers.left);
      this.#hash.cipher(2 * this.#gates + 1, position.rightInputs, ciphers.right);
      this.#gates++;
      this.finishAnd(position, ciphers, into);
    });
  }

  /** A wire of zeros [bytes]. */
  constant(length: number): Uint8Array {
    return this.memory.bytes(length).fill(0);
  }

  copy(wire: Uint8Array): Uint8Array {
    const copied = this.memory.bytes(wire.length);
    copied.set(wire);
    return copied;
  }

  xor(x: Uint8Array, y: Uint8Array): Uint8Array {
    const sum = this.copy(x);
    xorBlocks(sum, y);
    return sum;
  }

  protected abstract readonly delta: Uint8Array | null;
  /** Labels of a wire that are hashed: both, or the one that is held. */
  protected abstract readonly hashedLabels: 1 | 2;
  protected abstract finishAnd(position: AdderPosition, ciphers: AndCiphers, into: Uint8Array): void;
}

/** The garbler's: writes two rows per gate. */
export class GarblingGates extends Gates {
  protected readonly delta: Uint8Array;
  protected readonly hashedLabels = 2;
  readonly #rows: Rows;

  /** `delta`: 16 bytes. */
  constructor(memory: KernelMemory, hash: GateHash, delta: Uint8Array, rows: Rows) {
    super(memory, hash);
    this.delta = this.copy(delta);
    this.#rows = rows;
  }

  not(wire: Uint8Array): Uint8Array {
    const flipped = this.copy(wire);
    xorEach(flipped, this.delta);
    return flipped;
  }

  protected finishAnd(position: AdderPosition, ciphers: AndCiphers, into: Uint8Array): void {
    const { length } = into;
    const rows = { generator: this.memory.bytes(length), evaluator: this.memory.bytes(length) };
    garbleAnd(position, ciphers, this.delta, rows, into);
    for (const row of [rows.generator, rows.evaluator]) this.#rows.take(length).set(row);
  }
}

/** The evaluator's: reads them. */
export class EvaluatingGates extends Gates {
  protected readonly delta = null;
  protected readonly hashedLabels = 1;
  readonly #rows: Rows;

  constructor(memory: KernelMemory, hash: GateHash, rows: Rows) {
    super(memory, hash);
    this.#rows = rows;
  }

  /** The label stays: the garbler swaps what it means. */
  not(wire: Uint8Array): Uint8Array {
    return wire;
  }

  protected finishAnd(position: AdderPosition, ciphers: AndCiphers, into: Uint8Array): void {
    const [generator, evaluator] = [0, 1].map(() => this.copy(this.#rows.take(into.length)));
    evaluateAnd(position, ciphers, { generator, evaluator }, into);
  }
}

/** Labels in a wire. */
export function elementsOf(wire: Uint8Array): number {
  return wire.length / BLOCK_BYTES;
}
