import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { adderInputs, evaluateAnd, garbleAnd } from '../../kernels/half-gates.ts';
import {
  colour,
  inWorkspace,
  place,
  randomBlocks,
  sigma,
  toBlocks,
  type Workspace,
} from '../support/block-reference.ts';

const flags = (count: number) => randomBlocks(count).map((block) => block & 1n);

function position({ room }: Workspace, count: number, planes: number) {
  return {
    left: room(count),
    right: room(count),
    leftInputs: room(planes * count),
    rightInputs: room(planes * count),
  };
}

test("the adder's free gates and hash inputs are those of the plain formula", () => {
  fc.assert(
    fc.property(place, fc.boolean(), ({ count, first }, garbling) => {
      const [a, b, c] = [randomBlocks(count), randomBlocks(count), randomBlocks(count)];
      const [delta] = randomBlocks(1);
      const left = a.map((block, e) => block ^ c[e]);
      const right = b.map((block, e) => block ^ c[e]);
      const inputs = (labels: bigint[]) => labels.map((label, e) => sigma(label) ^ BigInt(first + e));
      const planes = (labels: bigint[]) =>
        garbling ? [...inputs(labels), ...inputs(labels.map((label) => label ^ delta))] : inputs(labels);
      inWorkspace((workspace) => {
        const { put, room } = workspace;
        const out = position(workspace, count, garbling ? 2 : 1);
        const sum = room(count);
        adderInputs(put(a), put(b), put(c), garbling ? put([delta]) : null, out, sum, first);
        assert.deepEqual(toBlocks(out.left), left);
        assert.deepEqual(toBlocks(out.right), right);
        assert.deepEqual(
          toBlocks(sum),
          a.map((block, e) => block ^ b[e] ^ c[e]),
        );
        assert.deepEqual(toBlocks(out.leftInputs), planes(left));
        assert.deepEqual(toBlocks(out.rightInputs), planes(right));
      });
    }),
  );
});

/** Zahur, Rosulek, Evans 2015, figure 2, for one gate, with the hashes of both labels of either input wire. */
function plainHalfGates(
  a: bigint,
  b: bigint,
  delta: bigint,
  hashes: Record<'a0' | 'a1' | 'b0' | 'b1', bigint>,
) {
  const generator = hashes.a0 ^ hashes.a1 ^ (colour(b) ? delta : 0n);
  const generatorZero = hashes.a0 ^ (colour(a) ? generator : 0n);
  const evaluator = hashes.b0 ^ hashes.b1 ^ a;
  const evaluatorZero = hashes.b0 ^ (colour(b) ? evaluator ^ a : 0n);
  return { generator, evaluator, zero: generatorZero ^ evaluatorZero };
}

test('garbled AND gates are those of the paper, and evaluate to the label of the product', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), (count) => {
      const delta = randomBlocks(1)[0] | 1n;
      const [left, right, carry] = [randomBlocks(count), randomBlocks(count), randomBlocks(count)];
      // Any hash will do: inputs and ciphers, whose sum it is, for label 0 and then for label 1.
      const y = [randomBlocks(2 * count), randomBlocks(2 * count)];
      const z = [randomBlocks(2 * count), randomBlocks(2 * count)];
      const hash = (wire: number, value: number, e: number) =>
        y[wire][value * count + e] ^ z[wire][value * count + e];
      inWorkspace(({ put, room }) => {
        const rows = { generator: room(count), evaluator: room(count) };
        const gate = { left: put(left), right: put(right), leftInputs: put(y[0]), rightInputs: put(y[1]) };
        const zero = put(carry);
        garbleAnd(gate, { left: put(z[0]), right: put(z[1]) }, put([delta]), rows, zero);
        const plain = left.map((label, e) =>
          plainHalfGates(label, right[e], delta, {
            a0: hash(0, 0, e),
            a1: hash(0, 1, e),
            b0: hash(1, 0, e),
            b1: hash(1, 1, e),
          }),
        );
        const blocks = (part: 'generator' | 'evaluator' | 'zero') => plain.map((gate) => gate[part]);
        assert.deepEqual(toBlocks(rows.generator), blocks('generator'));
        assert.deepEqual(toBlocks(rows.evaluator), blocks('evaluator'));
        const zeroOut = toBlocks(zero);
        assert.deepEqual(
          zeroOut,
          carry.map((label, e) => label ^ plain[e].zero),
        );

        const [v, w] = [flags(count), flags(count)];
        const held = (labels: bigint[], values: bigint[]) =>
          labels.map((label, e) => label ^ (values[e] * delta));
        const chosen = (part: bigint[], values: bigint[]) =>
          values.map((value, e) => part[Number(value) * count + e]);
        const active = {
          left: put(held(left, v)),
          right: put(held(right, w)),
          leftInputs: put(chosen(y[0], v)),
          rightInputs: put(chosen(y[1], w)),
        };
        const out = put(carry);
        evaluateAnd(active, { left: put(chosen(z[0], v)), right: put(chosen(z[1], w)) }, rows, out);
        const product = v.map((value, e) => value & w[e]);
        assert.deepEqual(toBlocks(out), held(zeroOut, product));
      });
    }),
  );
});
