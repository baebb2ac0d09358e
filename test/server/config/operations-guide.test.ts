import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fieldsOf } from '../../../server/config/layers.ts';
import { loadConfig } from '../../../server/config/load-config.ts';
import { SCHEMA } from '../../../server/config/schema.ts';
import { fileOf } from '../../support/keys.ts';

const pages = globSync(join(import.meta.dirname, '../../../docs/operations/*.md'));
const guide = pages.map((page) => readFileSync(page, 'utf8')).join('\n');

test('the guide for operators explains every field of the configuration, and no other', () => {
  const explained = [...guide.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)*)`/g)].map(([, path]) => path),
  );
  const paths = fieldsOf(SCHEMA).map(([path]) => path);
  assert.deepEqual(
    paths.filter((path) => !explained.includes(path)),
    [],
  );
  const sections = new RegExp(`^(${Object.keys(SCHEMA).join('|')})(\\.|$)`);
  assert.deepEqual(
    explained.filter((path) => sections.test(path) && !paths.includes(path)),
    [],
  );
});

test('the configurations in the guide are right', () => {
  const examples = [...guide.matchAll(/^```yaml\n(.*?)^```/gms)].filter(([, yaml]) =>
    yaml.startsWith('listen:'),
  );
  assert.ok(examples.length > 0);
  for (const [, yaml] of examples) loadConfig({ file: fileOf(yaml) });
});
