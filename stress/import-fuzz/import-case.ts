import { SphynxError } from '../../errors/sphynx-error.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { FloatRuntime } from '../../importer/float-runtime.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { measureRanges } from '../../model/fixed-point/ranges.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { elementsOf } from '../../model/geometry.ts';
import { isRounding, largestLayer } from '../../model/lost-digits.ts';
import { anyGraph } from './any-graph.ts';
import { changeBytes, changeStructure } from './mutations.ts';

/**
 * The outcome of one file: refused with a reason, imported in agreement with the runtime, or imported while the runtime
 * refuses it.
 */
export type Outcome = 'refused' | 'equal' | 'not comparable';

/** Most operators of the valid graph that is mutated. */
const MOST_STEPS = 6;
/** Share of the largest logit that can be due to rounding of floats; changed weights may cancel each other out. */
const TOLERANCE = 1e-3;
/** Logits beyond this lose their significant digits. */
const LARGEST = 1e12;

/** Returns the file of a case, which is the same for a seed on every machine. */
export function changedFile(seed: number): Uint8Array {
  const random = seededRandom(seed);
  const { file } = anyGraph(seed, 1 + Math.floor(random() * MOST_STEPS));
  return seed % 3 === 0 ? changeBytes(file, random) : changeStructure(file, random);
}

/** Whether the importer refuses the file with a reason; an internal fault would be the cause of the error. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof SphynxError)) return false;
  const own = error.cause instanceof TypeError || error.cause instanceof ReferenceError;
  return /^model\/(format|unsupported)$/.test(error.code) && !own;
}

/**
 * Imports the file of a case. Throws the importer's errors other than refusals, and an Error if it gives other logits
 * than onnxruntime.
 */
export async function runImportCase(seed: number): Promise<Outcome> {
  const file = changedFile(seed);
  let imported: Awaited<ReturnType<typeof importGraph>>;
  try {
    imported = await importGraph(file);
  } catch (error) {
    if (isRefusal(error)) return 'refused';
    throw error;
  }
  const { network, runtime } = imported;
  const image = Float32Array.from({ length: elementsOf(network.input) }, (_, i) => Math.sin(seed + 3 * i));
  const logits = new FloatRunner(network).run(image)[network.layers.length - 1];
  let expected: Float32Array;
  try {
    expected = await (await FloatRuntime.create(runtime.encode(), runtime.dims, runtime.order)).logits(image);
  } catch {
    return 'not comparable';
  }
  const largest = Math.max(...expected.map(Math.abs));
  if (!(largest < LARGEST) || !logits.every((logit) => Math.abs(logit) < LARGEST)) return 'not comparable';
  if (logits.length !== expected.length)
    throw new Error(`${logits.length} logits instead of ${expected.length}`);
  const wrong = expected.findIndex(
    (value, i) => !(Math.abs(logits[i] - value) <= TOLERANCE * Math.max(1, largest)),
  );
  if (wrong < 0) return 'equal';
  const error = Math.abs(logits[wrong] - expected[wrong]);
  // The import refuses such a network on the same grounds.
  if (isRounding(error, largestLayer(network, measureRanges(network, [image])))) return 'not comparable';
  throw new Error(`logit ${wrong} is ${logits[wrong]} instead of ${expected[wrong]}`);
}
