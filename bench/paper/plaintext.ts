import { withParties } from '../party.ts';
import { type Sampled, sampled } from '../results.ts';

/** Untimed runs: V8 compiles the runtime's WebAssembly. */
const WARM_UP = 3;

/**
 * Times a network's plaintext inference (ms): single precision in onnxruntime-web on one thread, in a separate process.
 * `cores`: the cores that it may use.
 */
export function measurePlaintext(model: string, repeat: number, cores?: string): Promise<Sampled> {
  return withParties(async (start) => {
    const runtime = await start('paper/plaintext-process.ts', [model], { cores });
    await runtime.ask('time', WARM_UP);
    return sampled(await runtime.ask<number[]>('time', repeat));
  });
}
