/**
 * Prints the logits of an ONNX file, as the importer composes it, as a JSON array.
 * Usage: importer-logits.ts MODEL IMAGE; the image is normalised float32, little-endian, [channels, height, width].
 * The trainer's tests hold these numbers against PyTorch's.
 */
import { readFileSync } from 'node:fs';
import { importOnnx } from '../../importer/import-onnx.ts';
import { FloatRunner } from '../../model/float-network.ts';

const [model, image] = process.argv.slice(2);
const runner = new FloatRunner(await importOnnx(readFileSync(model)));
const outputs = runner.run(new Float32Array(new Uint8Array(readFileSync(image)).buffer));
console.log(JSON.stringify(Array.from(outputs.at(-1)!)));
