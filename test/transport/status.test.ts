import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata, status as Status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { asSphynxError, SphynxError } from '../../errors/sphynx-error.ts';
import { toStatus } from '../../transport/grpc/to-status.ts';
import { STATUS_DETAILS_LENGTH } from '../../transport/limits.ts';
import { CODE_KEY, fromStatus, RETRY_KEY } from '../../transport/status.ts';
import { STATUS } from '../../transport/status-codes.ts';

const codes = [
  'bundle/spent',
  'server/busy',
  'protocol/order',
  'model/mismatch',
  'storage/failed',
  'aborted',
] as const;

test('an error keeps its code and message across the wire', () => {
  for (const code of codes) {
    const restored = fromStatus(toStatus(new SphynxError(code, `why it is ${code}`)));
    assert.equal(restored.code, code);
    assert.equal(restored.message, `why it is ${code}`);
  }
});

test('a hint when to try again crosses the wire, and nothing else passes for one', () => {
  const busy = toStatus(new SphynxError('server/busy', 'later', { retryAfterMs: 1500.2 }));
  assert.equal(fromStatus(busy).retryAfterMs, 1501);
  assert.equal(fromStatus(toStatus(new SphynxError('server/busy', 'no idea'))).retryAfterMs, undefined);
  for (const lie of ['-1', '1e9', '999999999', 'soon', '']) {
    busy.metadata.set(RETRY_KEY, lie);
    assert.equal(fromStatus(busy).retryAfterMs, undefined, lie);
  }
});

test('the cause of an internal error is never sent', () => {
  const status = toStatus(asSphynxError(new Error('secret path /home/x')));
  assert.equal(status.code, Status.INTERNAL);
  assert.doesNotMatch(JSON.stringify([status.details, status.metadata.getMap()]), /secret/);
  assert.equal(fromStatus(status).code, 'internal');
});

test('statuses that gRPC raises itself become codes of ours', () => {
  const bare = (code: Status) => fromStatus({ code, details: 'text', metadata: new Metadata() }).code;
  assert.equal(bare(Status.UNAVAILABLE), 'server/unreachable');
  assert.equal(bare(Status.DEADLINE_EXCEEDED), 'protocol/deadline');
  assert.equal(bare(Status.CANCELLED), 'protocol/closed');
  assert.equal(bare(Status.RESOURCE_EXHAUSTED), 'protocol/length');
  assert.equal(bare(Status.INTERNAL), 'protocol/closed', 'a fault of the peer has a code of ours');
  assert.equal(bare(Status.UNKNOWN), 'internal');
});

test('whatever a peer puts into its status, the result is a short printable error with a known code', () => {
  fc.assert(
    fc.property(
      fc.nat(40),
      fc.string({ unit: 'binary', maxLength: 1500 }),
      fc.string(),
      (code, details, claimed) => {
        const metadata = new Metadata();
        metadata.set(CODE_KEY, encodeURIComponent(claimed) || 'none');
        const error = fromStatus({ code, details, metadata });
        assert.ok(error.message.length < STATUS_DETAILS_LENGTH + 100);
        assert.doesNotMatch(error.message, /\p{Cc}/u);
      },
    ),
  );
});

test('a peer cannot claim a code that does not exist', () => {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, 'constructor');
  assert.equal(fromStatus({ code: Status.NOT_FOUND, details: '', metadata }).code, 'internal');
});

test('our names for the codes of statuses are those of gRPC', () => {
  for (const [name, code] of Object.entries(STATUS))
    assert.equal(Status[name as keyof typeof Status], code, name);
});
