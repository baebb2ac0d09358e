import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Outcome } from '../../stress/cluster/outcome.ts';
import { acceptedIn, auditComplaints, spendings } from '../../stress/faults/audit.ts';
import { judge, recoveredAt } from '../../stress/faults/verdict.ts';

const id = fc.stringMatching(/^[0-9a-f]{32}$/);
const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 20 });

test('the audit passes when every bundle was spent once, recorded and logged', () => {
  fc.assert(
    fc.property(ids, fc.nat(), fc.nat(), (recorded, logged, answered) => {
      // A crash may come between the record and the log, and between the log and the answer.
      const accepted = recorded.slice(logged % (recorded.length + 1));
      const accounts = { recorded, accepted, answered: accepted.slice(answered % (accepted.length + 1)) };
      assert.deepEqual(auditComplaints(accounts), []);
    }),
  );
});

test('the audit finds a bundle spent twice by any account, and one without a record', () => {
  fc.assert(
    fc.property(ids, fc.nat(), (all, which) => {
      const again = all[which % all.length];
      const once = { accepted: all, answered: all, recorded: all };
      for (const account of ['accepted', 'answered', 'recorded'] as const)
        assert.equal(auditComplaints({ ...once, [account]: [...all, again] }).length, 1);
      const without = all.filter((other) => other !== again);
      assert.equal(auditComplaints({ ...once, recorded: without }).length, 1);
      assert.equal(auditComplaints({ ...once, accepted: without }).length, 1);
    }),
  );
});

test('spendings are read from the append-only file, and from a log that a crash cut short', () => {
  const command = (...words: string[]) =>
    `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  const bundle = (digit: string) => `{sphynx}:bundle:${digit.repeat(32)}`;
  const file = [
    command('MULTI'),
    command('HSET', bundle('a'), 'state', 'spending', 'owner', 'x'),
    command('HDEL', bundle('a'), 'seed'),
    command('EXEC'),
    command('hset', bundle('b'), 'state', 'spent'),
    command('HSET', bundle('c'), 'client', 'y', 'state', 'preparing'),
    command('HSET', bundle('d'), 'state', 'spending', 'owner', 'z'),
  ].join('');
  assert.deepEqual(spendings(file), ['a'.repeat(32), 'd'.repeat(32)]);
  const log = ['{"msg":"serving"}', '{"msg":"bundle spending","bundle":"1"}', '{"msg":"bundle spen'].join(
    '\n',
  );
  assert.deepEqual(acceptedIn(log), ['1']);
});

const right = (at: number, ms = 10): Outcome => ({
  ...{ what: 'classify', at, ms, result: { bundleId: String(at), right: true } },
});
const failed = (at: number, message = 'broke; try again'): Outcome => ({
  ...{ what: 'classify', at, ms: 10, failure: { code: 'server/unreachable', message } },
});

test('a client has recovered at its first result after its last failure and the end of the fault', () => {
  assert.equal(recoveredAt([right(1), failed(2), right(5), failed(6), right(8), right(9)], 4), 8);
  assert.equal(recoveredAt([right(1), right(5)], 4), 5);
  assert.equal(recoveredAt([right(5), failed(6)], 4), Number.POSITIVE_INFINITY);
});

test('the verdict names wrong results, surprising codes, missing remedies, long calls and victims that stay down', () => {
  const verdict = (outcomes: Outcome[], victims: Outcome[] = [], codes = ['server/unreachable']) =>
    judge(
      1,
      outcomes.map((outcome) => ({ client: 0, ...outcome })),
      4,
      victims,
      codes,
      1000,
    );
  const fine = verdict([failed(5), failed(6), right(8)], [failed(3), right(9)]);
  assert.deepEqual(fine.complaints, []);
  assert.equal(fine.recoveryMs, 4);
  assert.deepEqual(fine.told, [{ code: 'server/unreachable', message: 'broke; try again', times: 3 }]);
  const wrong: Outcome = { ...right(8), result: { bundleId: 'x', right: false } };
  for (const [found, what] of [
    [verdict([wrong, right(9)]), /not the integer executor/],
    [verdict([failed(5), right(8)], [], []), /was told server\/unreachable/],
    [verdict([failed(5, 'broke'), right(8)]), /no remedy/],
    [verdict([right(8, 2000)]), /2000 ms/],
    [verdict([right(8)], [failed(9)]), /did not recover/],
    [verdict([failed(5)]), /clients did not recover/],
    [verdict([]), /clients did not recover/],
  ] as const) {
    assert.equal(found.complaints.length, 1);
    assert.match(found.complaints[0], what);
  }
});
