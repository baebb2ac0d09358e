import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readNpy } from '../../cli/values/npy.ts';
import { readSamples } from '../../cli/values/read-samples.ts';
import { readCsv, readJson } from '../../cli/values/text.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

/** A .npy file as NumPy writes it. */
function npy(shape: readonly number[], type: string, data: Uint8Array, order = 'False'): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${sizes}), }`;
  const header = `${text.padEnd(64 * Math.ceil((text.length + 11) / 64) - 11)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), data]);
}

const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

test('NumPy files of every type of plain numbers are read', () => {
  const numbers = [0, 1, 5, 100];
  for (const [type, array] of [
    ['<f4', Float32Array.from(numbers)],
    ['<f8', Float64Array.from(numbers)],
    ['|u1', Uint8Array.from(numbers)],
    ['|i1', Int8Array.from(numbers)],
    ['<i2', Int16Array.from(numbers)],
    ['<u2', Uint16Array.from(numbers)],
    ['<i4', Int32Array.from(numbers)],
    ['<u4', Uint32Array.from(numbers)],
    ['<i8', BigInt64Array.from(numbers.map(BigInt))],
  ] as const) {
    const { shape, values } = readNpy(npy([2, 2], type, bytesOf(array)));
    assert.deepEqual([shape, [...values]], [[2, 2], numbers], type);
  }
});

test('NumPy files with other contents, or truncated ones, are refused with a remedy', () => {
  const data = bytesOf(new Float32Array(4));
  const whole = npy([4], '<f4', data);
  for (const [bytes, message] of [
    [npy([4], '|O', data), /holds "\|O": save it with \.astype/],
    [npy([4], '>f4', data), /holds ">f4"/],
    [npy([2, 2], '<f4', data, 'True'), /ascontiguousarray/],
    [npy([5], '<f4', data), /16 bytes for an array of 5/],
    [whole.subarray(0, 9), /not a \.npy file/],
    [whole.subarray(0, 40), /truncated/],
    [whole.subarray(0, whole.length - 1), /15 bytes for an array of 4/],
    [Buffer.from('PK\x03\x04 a zip archive'), /not a \.npy file/],
  ] as const)
    assert.throws(() => readNpy(bytes), { code: 'input/invalid', message });
});

test('bytes that are not a NumPy file are always refused', () => {
  const whole = npy([4], '<f4', bytesOf(new Float32Array(4)));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, value) => {
      const broken = Uint8Array.from(whole);
      broken[at] = value;
      try {
        readNpy(broken);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'input/invalid');
      }
    }),
  );
});

test('tables are read with or without a header, with the usual separators', () => {
  const expected = { shape: [2, 3], values: Float64Array.of(1, 2.5, -3e2, 4, 5, 6) };
  for (const text of [
    '1,2.5,-3e2\n4,5,6\n',
    'age,"income, net",rate\r\n1, 2.5 ,-3e2\r\n4,5,6\r\n\r\n',
    '\uFEFF1;2.5;-300\n4;5;6',
    'a\tb\tc\n1\t2.5\t-300\n4\t5\t6',
    '"1","2.5","-300"\n"4","5","6"',
  ])
    assert.deepEqual(readCsv(text), expected, text);
  assert.deepEqual(readCsv('7\n8\n'), { shape: [2, 1], values: Float64Array.of(7, 8) });
  assert.deepEqual(readJson('[[1, 2.5, -300], [4, 5, 6]]'), expected);
  assert.deepEqual(readJson('[1]').shape, [1]);
});

test('a first line of numbers is an input, and one that may name the columns is refused with both remedies', () => {
  assert.deepEqual(readCsv('1,2,3\n4,5,6').shape, [2, 3]);
  assert.deepEqual(readCsv('0.0,1.0,2.0\n4,5,6').shape, [2, 3]);
  assert.deepEqual(readCsv('0,1,2').shape, [1, 3]);
  assert.deepEqual(readCsv('0,1\n5,6').shape, [2, 2]);
  assert.throws(() => readCsv('0,1,2\n4,5,6'), {
    code: 'input/invalid',
    message: /line 1 counts from 0, .* delete it .* or write 0\.0, 1\.0/,
  });
  assert.throws(() => readCsv('age,7,rate\n4,5,6'), {
    message: /line 1, cell 1 is not a number; .* delete it/,
  });
});

test('cells that are not finite numbers are named by their position', () => {
  for (const [text, message] of [
    ['1,2\n3,', /line 2, cell 2 is empty or not finite/],
    ['a,b\n1,2\n3,NaN', /line 3, cell 2 is empty or not finite/],
    ['nan,1\n2,3', /line 1, cell 1 is empty or not finite/],
    ['1,inf', /cell 2 is empty or not finite/],
    ['1,2\n3,x', /line 2, cell 2 is not a number/],
    ['a,1\n2,3', /line 1, cell 1 is not a number/],
    ['1,2\n3', /line 2 has 1 cells, and the first 2/],
    ['', /line 1, cell 1 is empty|no numbers/],
  ] as const)
    assert.throws(() => readCsv(text), { code: 'input/invalid', message });
  assert.deepEqual([...readJson('\uFEFF[1, 2]').values], [1, 2]);
  for (const [text, message] of [
    ['{', /not JSON/],
    ['5', /expected a list/],
    ['[1, null]', /\[1\] is not a number/],
    ['[[1, 2], [3]]', /\[1\] is not a list of 2/],
    ['["1"]', /\[0\] is not a number/],
  ] as const)
    assert.throws(() => readJson(text), { code: 'input/invalid', message });
});

const vector = { inputKind: 'vector', input: { channels: 3, height: 1, width: 1 } } as const;
const signal = { inputKind: 'signal', input: { channels: 2, height: 1, width: 3 } } as const;

/** The samples of a JSON file with those numbers. */
async function samples(json: unknown, model: typeof vector | typeof signal) {
  const file = join(folder, 'samples.json');
  writeFileSync(file, JSON.stringify(json));
  return (await readSamples(file, model)).map(({ name, values }) => [
    name.slice(folder.length + 1),
    [...values],
  ]);
}

test('a file holds one input, or several along its first axis', async () => {
  assert.deepEqual(await samples([1, 2, 3], vector), [['samples.json', [1, 2, 3]]]);
  assert.deepEqual(await samples([[1], [2], [3]], vector), [['samples.json', [1, 2, 3]]]);
  assert.deepEqual(
    await samples(
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      vector,
    ),
    [
      ['samples.json [0]', [1, 2, 3]],
      ['samples.json [1]', [4, 5, 6]],
    ],
  );
  const map = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  assert.deepEqual(await samples(map, signal), [['samples.json', [1, 2, 3, 4, 5, 6]]]);
  assert.equal((await samples([map, map], signal)).length, 2);
  assert.equal((await samples([map.flat(), map.flat()], signal)).length, 2);
});

test('a file of another shape is refused with the shape that is expected', async () => {
  for (const [json, model, message] of [
    [[1, 2], vector, /shape 2; the model takes 3 numbers: expected 3, or several/],
    [[[1, 2, 3, 4]], vector, /shape 1x4/],
    [
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      signal,
      /shape 3x2; the model takes 2 channels of 3 samples: expected 2x3/,
    ],
    [[], vector, /shape 0/],
  ] as const)
    await assert.rejects(samples(json, model), { code: 'input/invalid', message });
  await assert.rejects(readSamples(join(folder, 'nowhere.csv'), vector), {
    code: 'input/invalid',
    message: /cannot read .*nowhere\.csv/,
  });
  await assert.rejects(readSamples(join('samples', 'apple.png'), vector), {
    code: 'input/invalid',
    message: /apple\.png is a picture, and the model takes 3 numbers: give them as a \.npy, CSV or JSON file/,
  });
});
