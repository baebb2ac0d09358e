import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Output } from '../../cli/output.ts';
import { PrepareReport } from '../../cli/progress.ts';

class Notes extends Output {
  readonly lines: string[] = [];

  override note(text: string): void {
    this.lines.push(text);
  }
}

test('a preparation estimates the time left only after enough bytes', {
  skip: process.stderr.isTTY,
}, (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const output = new Notes({});
  const report = new PrepareReport(output);
  for (const [bytes, ready] of [
    [80, 0],
    [30_000_000, 0],
    [64_000_000, 2],
  ]) {
    report.update({ bytes, totalBytes: 64_000_000, ready, count: 2 });
    t.mock.timers.tick(3000);
  }
  report.stop();
  assert.equal(output.lines.length, 3);
  assert.equal(output.lines[0], 'preparing: 80 B of 64.0 MB, 0 of 2 bundles ready');
  assert.match(output.lines[1], /^preparing: 30\.0 MB of 64\.0 MB, 0 of 2 bundles ready, .+ left$/);
  assert.equal(output.lines[2], 'preparing: 64.0 MB of 64.0 MB, 2 of 2 bundles ready');
});
