import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { operatorTable, unknownLimits } from '../../reference/operator-table.ts';

test('docs/import.md lists exactly the operators that the importer runs, as the code has them', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'import.md'), 'utf8');
  assert.ok(
    text.includes(`\n${operatorTable()}\n`),
    `put this table into docs/import.md:\n${operatorTable()}`,
  );
  assert.deepEqual(unknownLimits(), []);
});
