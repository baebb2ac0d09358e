import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { owned, ownedCopy } from '../../kernels/release.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { receiveTensor, sendTensor } from '../../protocol/tensor-stream.ts';
import { PortChannel } from '../../transport/port-channel.ts';
import { relay } from '../../transport/relay.ts';

/** A role's end and the network's far end, with a relay between them. */
function relayed() {
  const { port1, port2 } = new MessageChannel();
  const { client: peer, server: network } = memoryChannel();
  const cancel = new AbortController();
  const role = new PortChannel(port2, { prefetch: 0 });
  const done = relay(new PortChannel(port1), network, cancel.signal);
  done.catch(() => {});
  return { role, peer, network, cancel, done };
}

const tensor = (length: number) => new Uint8Array(length).map((_, i) => (i * 7) & 255);

test('a role talks to its peer through the relay as if it were there', async () => {
  const { role, peer, done } = relayed();
  const up = tensor(3_000_000);
  const down = tensor(1_500_000);
  const [arrived, , back] = await Promise.all([
    receiveTensor(role, 'ot-matrix', 2, up.length).then(async (bytes) => {
      await sendTensor(role, 'garbled-tables', 2, ownedCopy(down));
      role.end();
      return bytes;
    }),
    sendTensor(peer, 'ot-matrix', 2, ownedCopy(up)),
    receiveTensor(peer, 'garbled-tables', 2, down.length),
  ]);
  assert.deepEqual(arrived, up);
  assert.deepEqual(back, down);
  await done;
});

test('what follows the last segment that the role asked for stays unread', async () => {
  const { role, peer, network, done } = relayed();
  await peer.send({ kind: 'nonce', layer: 0, offset: 0, data: owned(Uint8Array.of(1)) });
  await peer.send({ kind: 'nonce', layer: 0, offset: 0, data: owned(Uint8Array.of(2)) });
  assert.equal((await role.receive()).data[0], 1);
  role.end();
  await done;
  assert.equal((await network.receive()).data[0], 2);
});

test("a role's failure ends the relay with that failure", async () => {
  const { role, done } = relayed();
  role.fail(new SphynxError('protocol/length', 'too long'));
  await assert.rejects(done, { code: 'protocol/length', message: 'too long' });
});

test('a network that breaks off reaches the waiting role', async () => {
  const { role, peer, done } = relayed();
  const receiving = role.receive();
  peer.close();
  await assert.rejects(receiving, { code: 'protocol/closed' });
  await assert.rejects(done, { code: 'protocol/closed' });
});

test('a cancelled stream reaches a role that is not waiting for anything', async () => {
  const { role, cancel, done } = relayed();
  cancel.abort(new SphynxError('aborted', 'enough'));
  await assert.rejects(done, { code: 'aborted' });
  await assert.rejects(role.receive(), { code: 'aborted' });
});
