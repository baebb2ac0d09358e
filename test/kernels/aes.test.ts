import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { aesCounter, aesEncrypt, aesSchedule, SCHEDULE_BYTES } from '../../kernels/aes.ts';
import { clearKernels, kernels } from '../../kernels/load.ts';

const block = fc.uint8Array({ minLength: 16, maxLength: 16 });

/** Puts arrays into the kernel memory, with the schedule of `key`, for `body`. */
function withKey<T>(
  key: Uint8Array,
  body: (schedule: Uint8Array, put: (bytes: Uint8Array) => Uint8Array) => T,
): T {
  const { memory } = kernels();
  return memory.scope(() => {
    const put = (bytes: Uint8Array) => {
      const inside = memory.bytes(bytes.length);
      inside.set(bytes);
      return inside;
    };
    const schedule = memory.bytes(SCHEDULE_BYTES);
    aesSchedule(put(key), schedule);
    return body(schedule, put);
  });
}

function encrypted(key: Uint8Array, input: Uint8Array): Uint8Array {
  return withKey(key, (schedule, put) => {
    const inside = put(input);
    const output = put(new Uint8Array(input.length + 16).fill(0xa5));
    aesEncrypt(schedule, inside, output.subarray(0, input.length));
    assert.ok(
      output.subarray(input.length).every((byte) => byte === 0xa5),
      'nothing is written behind',
    );
    aesEncrypt(schedule, inside, inside);
    assert.equal(Buffer.compare(inside, output.subarray(0, input.length)), 0, 'in place it is the same');
    return inside.slice();
  });
}

function plainEncrypted(key: Uint8Array, input: Uint8Array): Buffer {
  return createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(input);
}

test('the vectors of the standard', () => {
  const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
  const vectors = [
    // FIPS 197, appendix B and C.1.
    [
      '2b7e151628aed2a6abf7158809cf4f3c',
      '3243f6a8885a308d313198a2e0370734',
      '3925841d02dc09fbdc118597196a0b32',
    ],
    [
      '000102030405060708090a0b0c0d0e0f',
      '00112233445566778899aabbccddeeff',
      '69c4e0d86a7b0430d8cdb78070b4c55a',
    ],
    // NIST SP 800-38A, F.1.1: four blocks.
    [
      '2b7e151628aed2a6abf7158809cf4f3c',
      '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
      '3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4',
    ],
  ];
  for (const [key, plain, cipher] of vectors)
    assert.equal(Buffer.from(encrypted(hex(key), hex(plain))).toString('hex'), cipher);
});

test('any number of blocks under any key, as node:crypto encrypts them', () => {
  fc.assert(
    fc.property(block, fc.integer({ min: 0, max: 70 }), (key, count) => {
      const input = randomBytes(16 * count);
      assert.equal(Buffer.compare(encrypted(key, input), plainEncrypted(key, input)), 0);
    }),
  );
});

test('every byte of a block takes every value at every place', () => {
  const input = new Uint8Array(256 * 16);
  for (let i = 0; i < input.length; i++) input[i] = i >> 4;
  const key = randomBytes(16);
  assert.equal(Buffer.compare(encrypted(key, input), plainEncrypted(key, input)), 0);
});

test('a counter counts on from call to call, and over the end of all 128 bits', () => {
  const lowEnds = [0n, 2n ** 64n - 3n, 2n ** 128n - 5n].map(
    (value) => new Uint8Array(Buffer.from(value.toString(16).padStart(32, '0'), 'hex')),
  );
  fc.assert(
    fc.property(
      block,
      fc.oneof(block, fc.constantFrom(...lowEnds)),
      fc.array(fc.nat(20), { maxLength: 4 }),
      (key, start, counts) => {
        const stream = withKey(key, (schedule, put) => {
          const counter = put(start);
          return counts.map((count) => {
            const output = put(new Uint8Array(16 * count));
            aesCounter(schedule, counter, output);
            return output.slice();
          });
        });
        const total = counts.reduce((sum, count) => sum + count, 0);
        const expected = createCipheriv('aes-128-ctr', key, start).update(new Uint8Array(16 * total));
        assert.equal(Buffer.compare(Buffer.concat(stream), expected), 0);
      },
    ),
  );
});

test('once the kernels are cleared, nothing is left of keys and blocks', () => {
  const everything = () =>
    createHash('sha256')
      .update(new Uint8Array(kernels().memory.buffer, 0, 2 ** 20))
      .digest('hex');
  clearKernels();
  const clean = everything();
  encrypted(randomBytes(16), randomBytes(16 * 11));
  assert.notEqual(everything(), clean);
  clearKernels();
  assert.equal(everything(), clean);
});
