import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coresOf, pinnedCores } from '../../bench/cores.ts';

test("taskset's lists of cores are read with their ranges", () => {
  assert.deepEqual(coresOf('0'), [0]);
  assert.deepEqual(coresOf('0-3'), [0, 1, 2, 3]);
  assert.deepEqual(coresOf('1,4-6,9'), [1, 4, 5, 6, 9]);
});

test('no core is given to both parties', () => {
  const pinned = pinnedCores();
  if (pinned === null) return;
  const [server, client] = [coresOf(pinned.server), coresOf(pinned.client)];
  assert.ok(server.length >= 1 && client.length >= server.length);
  assert.equal(new Set([...server, ...client]).size, server.length + client.length);
});
