/** Benchmarks of AES-128 on batches: by node:crypto, as in Node, and by the kernels, as in browsers. */
import { randomBytes } from 'node:crypto';
import { BlockCipher as BrowserCipher } from '../../crypto/browser/block-cipher.ts';
import { KeyStream as BrowserStream } from '../../crypto/browser/key-stream.ts';
import { BlockCipher as NodeCipher } from '../../crypto/node/block-cipher.ts';
import { KeyStream as NodeStream } from '../../crypto/node/key-stream.ts';
import type { Entry } from './entry.ts';
import { mustEqual } from './plain.ts';
import { blocks } from './room.ts';

const COUNT = 5120;

export function ciphers(): Entry[] {
  const [input, out, expected] = [blocks(COUNT), blocks(COUNT), blocks(COUNT)];
  const [key, counter] = [randomBytes(16), randomBytes(16)];
  const size = { unit: 'blocks', units: COUNT, bytes: 16 * COUNT };
  return [
    ...[
      ['AES of blocks, node:crypto', NodeCipher] as const,
      ['AES of blocks, in browsers', BrowserCipher] as const,
    ].map(([name, Cipher]): Entry => {
      const cipher = new Cipher(key);
      const check = () => {
        new NodeCipher(key).encrypt(input, expected);
        cipher.encrypt(input, out);
        mustEqual(out, expected);
      };
      return { name, ...size, run: () => cipher.encrypt(input, out), check };
    }),
    ...[
      ['AES key stream, node:crypto', NodeStream] as const,
      ['AES key stream, in browsers', BrowserStream] as const,
    ].map(([name, Stream]): Entry => {
      const stream = new Stream(key, counter);
      const check = () => {
        new NodeStream(key, counter).fill(expected);
        new Stream(key, counter).fill(out);
        mustEqual(out, expected);
      };
      return { name, ...size, run: () => stream.fill(out), check };
    }),
  ];
}
