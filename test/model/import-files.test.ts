import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import onnxProto from 'onnx-proto';
import { besideModel } from '../../cli/import/model-file.ts';
import { runReference } from '../../cli/import/reference.ts';
import { importGraph, importOnnx } from '../../importer/import-onnx.ts';
import { measureRanges } from '../../model/fixed-point/ranges.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { largestLayer } from '../../model/lost-digits.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceLogits } from '../support/onnx-reference.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { agreesInAnyLayout, assertClose } from './against-runtime.ts';

const INPUT = { channels: 3, height: 8, width: 6 };
const SAME = { pads: [1, 1, 1, 1] };
const { ModelProto, TensorProto } = onnxProto.onnx;

function small(b: OnnxBuilder): string {
  const x = b.node('Relu', [b.batchNorm(b.conv('image', 3, 4, 3, SAME), 4)]);
  return b.classifier(b.node('Relu', [b.conv(b.node('Dropout', [x]), 4, 5, 3, SAME)]), 5, 3);
}

/** A sound file, and the same after a change that must not change its logits. */
function changed(change: (model: onnxProto.onnx.IModelProto, graph: onnxProto.onnx.IGraphProto) => void) {
  const b = new OnnxBuilder(INPUT, 1);
  const plain = b.finish(small(b));
  const model = ModelProto.decode(plain);
  change(model, model.graph!);
  return { plain, file: ModelProto.encode(model).finish() };
}

/** Values so small that their rounding explains no difference. */
const NARROW = { name: 'any', value: 1 };

const image = Float32Array.from({ length: 144 }, (_, i) => Math.sin(3 * i) * 2);

const HARMLESS: Record<string, Parameters<typeof changed>[0]> = {
  'its nodes in another order': (_, graph) => graph.node!.reverse(),
  'nodes that nothing reads, of operators that nobody knows': (_, graph) =>
    graph.node!.push({ opType: 'Mystery', input: ['image', graph.node![0].output![0]], output: ['unread'] }),
  'inputs that nothing reads, also of strings': (_, graph) => {
    graph.input!.push({ name: 'learning_phase', type: { tensorType: { elemType: 9, shape: { dim: [] } } } });
    graph.input!.push({
      name: 'words',
      type: { tensorType: { elemType: 8, shape: { dim: [{ dimValue: 2 }] } } },
    });
  },
  'initializers that nothing reads, also of strings': (_, graph) =>
    graph.initializer!.push({ name: 'names', dims: [1], dataType: 8, stringData: [new Uint8Array([65])] }),
  'a mask of Dropout that nothing reads': (_, graph) =>
    graph.node!.find(({ opType }) => opType === 'Dropout')!.output!.push('mask'),
  'initializers listed as inputs too': (_, graph) => {
    for (const { name } of graph.initializer!) graph.input!.push({ name });
  },
  'the standard domain by its name': (_, graph) => {
    for (const node of graph.node!) node.domain = 'ai.onnx';
  },
};

for (const [what, change] of Object.entries(HARMLESS))
  test(`a file with ${what} gives the same network`, async () => {
    const { plain, file } = changed(change);
    assert.deepEqual(await importOnnx(file), await importOnnx(plain));
  });

test('sparse weights are refused by name', async () => {
  const { file } = changed((_, graph) => {
    const name = graph.node!.find(({ opType }) => opType === 'Conv')!.input![1];
    const at = graph.initializer!.findIndex((tensor) => tensor.name === name);
    const [values] = graph.initializer!.splice(at, 1);
    graph.sparseInitializer = [{ values, dims: values.dims }];
  });
  await assert.rejects(importOnnx(file), {
    code: 'model/unsupported',
    message: /Conv .* reads .*stored as a sparse tensor: export dense weights/,
  });
});

test('unused parts of a file are reported', async () => {
  const { notes } = await importGraph(changed(HARMLESS['inputs that nothing reads, also of strings']).file);
  assert.deepEqual(notes, ['nothing reads the input learning_phase, words: it was left out']);
});

test('statistics that a BatchNormalization gives and nothing reads do not turn training on', async () => {
  const { plain, file } = changed((model, graph) => {
    model.opsetImport![0].version = 9;
    graph.node!.find(({ opType }) => opType === 'BatchNormalization')!.output!.push('m', 'v', 'sm', 'sv');
  });
  const imported = await importGraph(file);
  const logits = new FloatRunner(imported.network).run(image).at(-1)!;
  assertClose(logits, await referenceLogits(plain, INPUT, image));
  const { importError } = await runReference(imported.runtime, [image], [logits], NARROW);
  assert.ok(importError !== null && importError < 1e-5);
});

test('a file for a batch of eight is imported for one picture', async () => {
  const network = await agreesInAnyLayout(
    (b) => {
      const pooled = b.node('MaxPool', [b.node('Relu', [b.conv('image', 3, 4, 3, SAME)])], {
        kernel_shape: [2, 2],
        strides: [2, 2],
      });
      const flat = b.node('Reshape', [pooled, b.integers([8, 48])]);
      return b.node('Gemm', [flat, b.constant([48, 3]), b.constant([3])]);
    },
    [8, 3, 8, 6],
  );
  assert.deepEqual(network.input, INPUT);
});

for (const [type, name] of [
  [TensorProto.DataType.FLOAT16, 'half'],
  [TensorProto.DataType.DOUBLE, 'double'],
] as const)
  test(`weights and input of ${name} precision are converted`, async () => {
    const { plain, file } = changed((_, graph) => {
      for (const tensor of graph.initializer!) {
        const values = tensor.floatData!;
        const array =
          type === TensorProto.DataType.DOUBLE ? Float64Array.from(values) : Float16Array.from(values);
        Object.assign(tensor, { dataType: type, floatData: [], rawData: new Uint8Array(array.buffer) });
      }
      for (const value of [...graph.input!, ...graph.output!]) value.type!.tensorType!.elemType = type;
    });
    const imported = await importGraph(file);
    const logits = new FloatRunner(imported.network).run(image).at(-1)!;
    const expected = await referenceLogits(plain, INPUT, image);
    for (const [i, value] of expected.entries())
      assert.ok(Math.abs(logits[i] - value) < (type === TensorProto.DataType.DOUBLE ? 1e-5 : 5e-3));
    const compared = await runReference(imported.runtime, [image], [logits], NARROW);
    // The runtime has no convolution of double precision.
    if (name === 'double') assert.match(compared.notCompared!, /implementation for Conv/);
    else assert.ok(compared.importError !== null && compared.importError < 1e-2);
  });

test('of several outputs one is chosen by its name, and all are named where none is', async () => {
  const { plain, file } = changed((_, graph) => {
    const [first] = graph.output!;
    graph.output = [{ name: graph.node![0].output![0], type: first.type }, first];
  });
  const [inner, logits] = ModelProto.decode(file).graph!.output!.map(({ name }) => name!);
  await assert.rejects(importOnnx(file), {
    code: 'model/unsupported',
    message: new RegExp(`2 outputs, "${inner}", "${logits}": .*--output NAME`),
  });
  await assert.rejects(importOnnx(file, { output: 'nowhere' }), { message: /no output "nowhere"/ });
  assert.deepEqual(await importOnnx(file, { output: logits }), await importOnnx(plain));
});

test('an output that depends on two inputs is refused, naming both', async () => {
  const b = new OnnxBuilder(INPUT, 1);
  const sum = b.node('Add', ['image', 'other']);
  const model = ModelProto.decode(b.finish(b.classifier(sum, 3, 2)));
  model.graph!.input!.push({ ...model.graph!.input![0], name: 'other' });
  await assert.rejects(importOnnx(ModelProto.encode(model).finish()), {
    code: 'model/unsupported',
    message: /2 inputs, "image", "other"/,
  });
});

test('values beside which the bounds of a Clip vanish are refused, naming their layer', async () => {
  const large: Record<string, (b: OnnxBuilder) => string> = {
    'a weight of 1e30 before a Clip': (b) =>
      b.node('Clip', [
        b.node('Conv', ['image', b.values([2, 3, 1, 1], [1e30, 1, 1, 1, 1, 1])]),
        b.values([], [-1]),
        b.values([], [1]),
      ]),
    'a mask of -1e9 before a MaxPool': (b) => {
      const mask = b.values(
        [1, 1, 8, 6],
        Array.from({ length: 48 }, (_, i) => (i % 2 ? 0 : -1e9)),
      );
      const masked = b.node('Add', [b.conv('image', 3, 2, 3, SAME), mask]);
      return b.node('MaxPool', [masked], { kernel_shape: [2, 2], strides: [2, 2] });
    },
  };
  for (const build of Object.values(large)) {
    const b = new OnnxBuilder(INPUT, 1);
    const { network, runtime } = await importGraph(b.finish(b.classifier(build(b), 2, 3)));
    const logits = new FloatRunner(network).run(image).at(-1)!;
    const widest = largestLayer(network, measureRanges(network, [image]));
    await assert.rejects(runReference(runtime, [image], [logits], widest), {
      code: 'model/unsupported',
      message:
        /layer (clip|maxpool)_\d+.* reach \d\.\de\+(30|9), so large that the digits .* are lost.* check --mean/,
    });
  }
});

test('a version of the format that the runtime does not know is imported and not compared', async () => {
  const { plain, file } = changed((model) => {
    model.irVersion = 99;
  });
  const imported = await importGraph(file);
  assert.deepEqual(imported.network, await importOnnx(plain));
  const logits = new FloatRunner(imported.network).run(image).at(-1)!;
  const { reference, notCompared } = await runReference(imported.runtime, [image], [logits], NARROW);
  assert.equal(reference, 'floats');
  assert.match(notCompared!, /IR version/);
});

/** A file whose weights of the first convolution lie in the file of that name. */
function external(location: string, offset?: number) {
  let bytes = new Uint8Array();
  const files = changed((_, graph) => {
    const tensor = graph.initializer![0];
    const weights = Float32Array.from(tensor.floatData!);
    bytes = new Uint8Array((offset ?? 0) + weights.byteLength);
    bytes.set(new Uint8Array(weights.buffer), offset ?? 0);
    const entries = Object.entries({ location, ...(offset ? { offset, length: weights.byteLength } : {}) });
    Object.assign(tensor, {
      floatData: [],
      dataLocation: TensorProto.DataLocation.EXTERNAL,
      externalData: entries.map(([key, value]) => ({ key, value: String(value) })),
    });
  });
  return { ...files, bytes };
}

test('weights beside the model are read, whole or from their place in a file', async () => {
  for (const offset of [undefined, 64]) {
    const { plain, file, bytes } = external('weights/all.bin', offset);
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'weights'));
    writeFileSync(join(folder, 'weights', 'all.bin'), bytes);
    const readExternal = besideModel(join(folder, 'model.onnx'));
    assert.deepEqual(await importOnnx(file, { readExternal }), await importOnnx(plain));
  }
});

test('weights anywhere else than in the folder of the model are not read', async () => {
  const home = temporaryFolder();
  const folder = join(home, 'model');
  mkdirSync(folder);
  writeFileSync(join(home, 'secret.bin'), new Uint8Array(432));
  symlinkSync(join(home, 'secret.bin'), join(folder, 'link.bin'));
  symlinkSync(home, join(folder, 'up'));
  const readExternal = besideModel(join(folder, 'model.onnx'));
  for (const location of [
    '../secret.bin',
    'sub/../../secret.bin',
    join(home, 'secret.bin'),
    'link.bin',
    'up/secret.bin',
    '',
    '.',
  ])
    await assert.rejects(
      importOnnx(external(location).file, { readExternal }),
      { code: 'model/unsupported', message: /is not in its own folder/ },
      location,
    );
  await assert.rejects(importOnnx(external('missing.bin').file, { readExternal }), {
    code: 'model/unsupported',
    message: /"missing.bin" cannot be read: put that file beside it/,
  });
  await assert.rejects(importOnnx(external('all.bin').file), { message: /import it with `sphynx import`/ });
});

test('weights that reach beyond the end of their file are refused', async () => {
  const { file } = external('all.bin', 64);
  await assert.rejects(importOnnx(file, { readExternal: async () => new Uint8Array(100) }), {
    code: 'model/format',
    message: /bytes 64 to 496 of "all.bin", which has 100/,
  });
});
