import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ZOO } from '../../bench/model.ts';
import { drawPareto } from '../../bench/pareto.ts';

const folder = mkdtempSync(join(tmpdir(), 'sphynx-test-pareto-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test("the picture has the paper's seven networks and every model of the zoo for CIFAR-100", async () => {
  const file = join(folder, 'pareto.svg');
  await drawPareto(ZOO, [], file);
  const svg = readFileSync(file, 'utf8');
  assert.ok(svg.startsWith('<svg') && svg.includes('CIFAR-100 accuracy (%)'));
  const points = [...svg.matchAll(/aria-label="ReLUs: (\d+);/g)].map(([, relus]) => Number(relus));
  for (const relus of [25_600, 30_720, 40_960, 51_200, 71_680, 102_400, 230_400])
    assert.ok(points.includes(relus), `${relus}`);
  assert.ok(points.length >= 8);
});
