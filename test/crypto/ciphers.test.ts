import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockCipher as BrowserCipher } from '../../crypto/browser/block-cipher.ts';
import { KeyStream as BrowserStream } from '../../crypto/browser/key-stream.ts';
import { BlockCipher as NodeCipher } from '../../crypto/node/block-cipher.ts';
import { KeyStream as NodeStream } from '../../crypto/node/key-stream.ts';
import { kernels } from '../../kernels/load.ts';

const block = fc.uint8Array({ minLength: 16, maxLength: 16 });
const same = (a: Uint8Array, b: Uint8Array) => assert.equal(Buffer.compare(a, b), 0);

test('browsers encrypt blocks as Node does, inside the kernel memory, outside, in and out of it', () => {
  fc.assert(
    fc.property(block, fc.nat(40), (key, count) => {
      const input = new Uint8Array(randomBytes(16 * count));
      const expected = new Uint8Array(input.length);
      new NodeCipher(key).encrypt(input, expected);
      const cipher = new BrowserCipher(key);
      const { memory } = kernels();
      memory.scope(() => {
        const [inside, alsoInside] = [memory.bytes(input.length), memory.bytes(input.length)];
        const outside = new Uint8Array(input.length);
        inside.set(input);
        cipher.encrypt(inside, alsoInside);
        same(alsoInside, expected);
        cipher.encrypt(inside, outside);
        same(outside, expected);
        cipher.encrypt(input, alsoInside.fill(0));
        same(alsoInside, expected);
        same(inside, input);
        cipher.encrypt(inside, inside);
        same(inside, expected);
        outside.set(input);
        cipher.encrypt(outside, outside);
        same(outside, expected);
      });
    }),
  );
});

test('streams of browsers are those of Node, however they are cut', () => {
  const lengths = fc.array(fc.oneof(fc.nat(40), fc.constantFrom(65536, 65537, 140_001)), { maxLength: 8 });
  fc.assert(
    fc.property(block, block, lengths, (key, counter, cuts) => {
      const [node, browser] = [new NodeStream(key, counter), new BrowserStream(key, counter)];
      for (const length of cuts) {
        const [expected, got] = [new Uint8Array(length), new Uint8Array(length)];
        node.fill(expected);
        browser.fill(got);
        same(got, expected);
      }
    }),
    { numRuns: 60 },
  );
});
