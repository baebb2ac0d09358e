import assert from 'node:assert/strict';
import { createCipheriv, createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { deriveSeed, Prg, randomSeed, SEED_BYTES } from '../../crypto/prg.ts';

const seed = new Uint8Array(SEED_BYTES).map((_, i) => i);

/** The first 32 bytes of HKDF-SHA-256 without salt (RFC 5869), by its definition. */
function hkdf(key: Uint8Array, info: string): Buffer {
  const extracted = createHmac('sha256', new Uint8Array(32)).update(key).digest();
  return createHmac('sha256', extracted).update(info).update(Uint8Array.of(1)).digest();
}

test('a stream is AES-128 in counter mode under a key and counter from HKDF-SHA-256', () => {
  const derived = hkdf(seed, 'prg:some purpose');
  const ecb = createCipheriv('aes-128-ecb', derived.subarray(0, 16), null).setAutoPadding(false);
  const start = BigInt(`0x${derived.subarray(16).toString('hex')}`);
  const blocks = Array.from({ length: 5 }, (_, i) => {
    const counter = (start + BigInt(i)) % 2n ** 128n;
    return ecb.update(Buffer.from(counter.toString(16).padStart(32, '0'), 'hex'));
  });
  assert.deepEqual(
    new Prg(seed, 'some purpose').bytes(77),
    new Uint8Array(Buffer.concat(blocks).subarray(0, 77)),
  );
});

test('long streams too', () => {
  const derived = hkdf(seed, 'prg:x');
  const ctr = createCipheriv('aes-128-ctr', derived.subarray(0, 16), derived.subarray(16));
  assert.ok(ctr.update(new Uint8Array(300_001)).equals(new Prg(seed, 'x').bytes(300_001)));
});

test('successive calls continue the stream, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(70), { maxLength: 12 }), (lengths) => {
      const whole = new Prg(seed, 'x').bytes(lengths.reduce((sum, length) => sum + length, 0));
      const stream = new Prg(seed, 'x');
      assert.deepEqual(new Uint8Array(Buffer.concat(lengths.map((length) => stream.bytes(length)))), whole);
    }),
  );
});

test('filling an array gives the same bytes, of any length and wherever the array lies', () => {
  const stream = new Prg(seed, 'x');
  for (const length of [0, 1, 65535, 65536, 65537, 200_000]) {
    const expected = new Prg(seed, `fill ${length}`).bytes(length);
    const room = new Uint8Array(length + 7).fill(0xa5);
    new Prg(seed, `fill ${length}`).fill(room.subarray(3, length + 3));
    assert.ok(Buffer.from(room.subarray(3, length + 3)).equals(expected));
    assert.ok([...room.subarray(0, 3), ...room.subarray(length + 3)].every((byte) => byte === 0xa5));
  }
  const pieces = [3, 70_000, 12].map((length) => new Uint8Array(length));
  for (const piece of pieces) stream.fill(piece);
  assert.ok(Buffer.concat(pieces).equals(new Prg(seed, 'x').bytes(70_015)));
});

test('words are the bytes, little-endian, in memory of their own', () => {
  const bytes = new Prg(seed, 'x').bytes(400);
  const words = new Prg(seed, 'x').words(100);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const [i, word] of words.entries()) assert.equal(word, view.getUint32(4 * i, true));
  assert.equal(words.buffer.byteLength, 400);
});

test('labels and seeds separate streams and derived seeds', () => {
  const start = (key: Uint8Array, label: string) =>
    Buffer.from(new Prg(key, label).bytes(32)).toString('hex');
  const derive = (key: Uint8Array, label: string) => Buffer.from(deriveSeed(key, label)).toString('hex');
  const other = randomSeed();
  const values = [
    ...['', 'a', 'b', 'a/1', 'a/11'].flatMap((label) => [start(seed, label), derive(seed, label)]),
    ...[start(other, 'a'), derive(other, 'a')],
  ];
  assert.equal(new Set(values).size, values.length);
  assert.equal(derive(seed, 'a'), hkdf(seed, 'seed:a').toString('hex'));
  assert.equal(derive(seed, 'a'), derive(seed.slice(), 'a'));
});

test('fresh seeds have 32 bytes and differ', () => {
  const seeds = Array.from({ length: 20 }, () => randomSeed());
  assert.ok(seeds.every((fresh) => fresh.length === SEED_BYTES));
  assert.equal(new Set(seeds.map(String)).size, 20);
});

test('a seed of another length is refused', () => {
  assert.throws(() => new Prg(seed.subarray(1), 'x'), { code: 'crypto/input' });
  assert.throws(() => deriveSeed(new Uint8Array(33), 'x'), { code: 'crypto/input' });
});
