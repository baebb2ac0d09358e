import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { HeClient } from '../../../crypto/he/client.ts';
import { planHe } from '../../../crypto/he/packing.ts';
import { HeServer } from '../../../crypto/he/server.ts';

/** Every message of a layer, from fixed seeds: a change of these bytes is a change of the protocol. */

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const serverSeed = Uint8Array.from({ length: 16 }, (_, i) => i);
const client = new HeClient(serverSeed, new Uint8Array(32).fill(1));
const server = new HeServer(serverSeed, client.publicKey, undefined, new Uint8Array(32).fill(2));
const shape = { channels: 2, height: 3, width: 3 };
const term = {
  ...{ tensor: 0, kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1, padTop: 1, padLeft: 1, groups: 1 },
};
const { tensors, layers } = planHe([shape], [{ output: shape, terms: [term] }]);

test('the messages of a linear layer are, from fixed seeds, these bytes', () => {
  const [part] = layers[0].parts;
  const mask = Uint32Array.from({ length: 18 }, (_, i) => Math.imul(i + 1, 0x9e3779b9));
  const weights = Int32Array.from({ length: 36 }, (_, i) => 7 * i - 100);
  const up = client.encryptTensor(tensors[0], mask);
  const down = server.evaluatePart(part, [weights], [server.loadTensor(tensors[0], up)], mask);
  const share = client.decryptPart(part, down);
  assert.deepEqual([client.publicKey.length, up.length, down.length], [27_648, 27_664, 4 * (4096 + 18)]);
  assert.equal(sha256(client.publicKey), '34683b400a31c792dae278051c1daa69dc86a213c4124213e8ceebdcf5c6c87b');
  assert.equal(sha256(up), '17c6ea09f9e68427da6d051935705896277a19c01c83ba2600ada2a869b2210b');
  assert.equal(sha256(down), '3aab5016912ea946a752f98be44f80035650fadbd01da833502833a322b0c57c');
  assert.equal(
    sha256(new Uint8Array(share.buffer)),
    '6b1c7003802bc696318872b49ab7152592ddec7dced91c7b057133618bf74edc',
  );
});
