import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepReport } from '../../cli/step-report.ts';

test('a step over many inputs reports its progress until it is done', () => {
  const lines: string[] = [];
  const done = new StepReport(
    (text) => lines.push(text),
    () => {},
    0,
  ).begin('measuring accuracy', 1200);
  for (let i = 0; i < 1200; i++) done();
  assert.equal(lines[0], 'measuring accuracy on 1,200 inputs');
  assert.match(lines[1], /^measuring accuracy: 1 of 1,200 inputs, about .+ left$/);
  assert.equal(lines.length, 1200);
  assert.match(lines[1199], /: 1,199 of 1,200 inputs, about/);
});

test('progress lines keep their interval, and an interrupted import ends between two inputs', () => {
  const lines: string[] = [];
  let stopped = false;
  const stopIf = () => {
    if (stopped) throw new Error('interrupted');
  };
  const done = new StepReport((text) => lines.push(text), stopIf, 1e9).begin('measuring ranges', 1200);
  for (let i = 0; i < 600; i++) done();
  assert.equal(lines.length, 1);
  stopped = true;
  assert.throws(done, /interrupted/);
});
