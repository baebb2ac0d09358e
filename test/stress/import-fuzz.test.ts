import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Outcome, runImportCase } from '../../stress/import-fuzz/import-case.ts';

const CASES = 250;

test('ONNX files with changed bytes and structure are refused by name or imported as the runtime runs them', async () => {
  const counts: Record<Outcome, number> = { refused: 0, equal: 0, 'not comparable': 0 };
  for (let seed = 1; seed <= CASES; seed++) {
    const outcome = await runImportCase(seed).catch((cause: unknown) => {
      throw new Error(`file ${seed}`, { cause });
    });
    counts[outcome]++;
  }
  assert.ok(counts.refused > 0.4 * CASES && counts.equal > 0.08 * CASES, JSON.stringify(counts));
});
