import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureEntry } from '../../bench/kernels/entry.ts';
import { describeKernels, measureKernels } from '../../bench/kernels/suite.ts';

test('every kernel computes what its definition says, and has every figure', async () => {
  const report = await measureKernels(1);
  assert.ok(report.kernels.length > 20);
  assert.equal(new Set(report.kernels.map(({ name }) => name)).size, report.kernels.length);
  for (const { name, opsPerSecond, bytesPerSecond, ratio, reference, samples } of report.kernels) {
    for (const rate of [opsPerSecond, ...samples, bytesPerSecond ?? 1, reference?.opsPerSecond ?? 1])
      assert.ok(Number.isFinite(rate) && rate > 0, name);
    assert.equal(ratio, reference ? opsPerSecond / reference.opsPerSecond : null);
  }
  const table = describeKernels(report).split('\n');
  assert.equal(table.length, report.kernels.length + 1);
});

test('single kernels are measured by name', async () => {
  const { kernels } = await measureKernels(1, 'NTT');
  assert.ok(kernels.length > 0 && kernels.every(({ name }) => name.includes('NTT')));
  await assert.rejects(measureKernels(1, 'no such kernel'), { code: 'config/invalid' });
});

test('a kernel that computes wrongly is not measured', () => {
  const wrong = () => {
    throw new Error('value 0 is 1 instead of 2');
  };
  const entry = { name: 'wrong', unit: 'things', units: 1, run: () => {}, check: wrong };
  assert.throws(() => measureEntry(entry, 1), /instead of 2/);
});
