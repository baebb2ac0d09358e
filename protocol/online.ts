import { nextTurn } from '#platform/next-turn';
import { SEED_BYTES } from '../crypto/prg.ts';
import { addShares, bytesToWords, subtractShares, wordsToBytes } from '../crypto/ring.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { clearKernels } from '../kernels/load.ts';
import { owned } from '../kernels/release.ts';
import type { FixedNetwork } from '../model/network.ts';
import { argmaxClient, argmaxServer } from './argmax-online.ts';
import { type BundleSecrets, type BundleSource, NONCE_BYTES, readBundle } from './bundle.ts';
import { BundleWindow } from './bundle-window.ts';
import type { Channel } from './channel.ts';
import { gadgetsClient, gadgetsServer } from './gadgets-online.ts';
import { LinearLayers } from './linear-online.ts';
import { tensorMask } from './masks.ts';
import { argmaxChunk, type Plan } from './plan.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';
import { traced } from './trace.ts';

/** Wall time of one layer on the client, from the first label awaited to the last reply sent (ms). */
export interface LayerTiming {
  /** Name of the layer in the card. */
  readonly name: string;
  /** Its wall time (ms). */
  readonly ms: number;
}

/** The client's result: the logits, at the card's logit scale, or the likeliest classes. The other is empty. */
export interface Inferred {
  readonly logits: Int32Array;
  /** The likeliest first. */
  readonly classes: readonly number[];
  readonly layers: readonly LayerTiming[];
}

/**
 * The online phase (DELPHI, online phase), one round trip per ReLU layer and one for the logits:
 *
 *     client -> server: x_0 - r_0
 *     per ReLU layer: see gadgets-online.ts
 *     server -> client: a_L, its share of the logits; or the labels and masks that open the argmax over them (argmax-online.ts)
 *
 * Client's half: spends the bundle in `source` on `image` (integers at the card's input scale, [channels * height *
 * width]).
 */
export async function inferClient(
  plan: Plan,
  channel: Channel,
  source: BundleSource,
  image: Int32Array,
): Promise<Inferred> {
  if (image.length !== plan.tensorElements[0])
    throw new SphynxError(
      'protocol/length',
      `expected ${plan.tensorElements[0]} input values, got ${image.length}`,
    );
  try {
    const maskSeed = readBundle(source, SEED_BYTES);
    const nonce = readBundle(source, NONCE_BYTES);
    const nextShare = (layer: number) => bytesToWords(readBundle(source, 4 * plan.layers[layer].elements));
    const masked = subtractShares(new Uint32Array(image), tensorMask(plan, maskSeed, 0));
    await sendTensor(channel, 'masked-input', 0, owned(wordsToBytes(masked)));
    const layers: LayerTiming[] = [];
    const last = plan.layers.length - 1;
    const window = new BundleWindow(source, plan);
    try {
      for (let l = 0; l < last; l++) {
        const start = performance.now();
        await gadgetsClient(plan, channel, l, nonce, nextShare(l), maskSeed, window);
        layers.push({ name: plan.layers[l].name, ms: performance.now() - start });
      }
    } finally {
      window.close();
    }
    const start = performance.now();
    const share = nextShare(last);
    const done = () => layers.push({ name: plan.layers[last].name, ms: performance.now() - start });
    const argmax = argmaxChunk(plan);
    if (argmax) {
      const classes = await argmaxClient(argmax, channel, last, nonce, source);
      done();
      return { logits: new Int32Array(), classes, layers };
    }
    const logitShare = bytesToWords(await receiveTensor(channel, 'logit-share', last, 4 * share.length));
    done();
    return { logits: new Int32Array(addShares(logitShare, share).buffer), classes: [], layers };
  } finally {
    clearSoon();
  }
}

/** Clears an inference's data from the kernel memory of this thread, after the last message has been sent. */
function clearSoon(): void {
  nextTurn().then(clearKernels);
}

/**
 * Server's half: runs the linear layers on x - r and garbles nothing anew; all its secrets are derived from the
 * bundle's.
 */
export async function inferServer(
  plan: Plan,
  network: FixedNetwork,
  channel: Channel,
  secrets: BundleSecrets,
): Promise<void> {
  try {
    const layers = new LinearLayers(plan, network, secrets.seed);
    layers.push(bytesToWords(await receiveTensor(channel, 'masked-input', 0, 4 * plan.tensorElements[0])));
    const last = plan.layers.length - 1;
    const argmax = argmaxChunk(plan);
    for (let l = 0; l <= last; l++) {
      const share = traced('linear layer', l, () => layers.finish());
      if (l === last && argmax) await argmaxServer(argmax, channel, last, share, secrets);
      else if (l === last) await sendTensor(channel, 'logit-share', last, owned(wordsToBytes(share)));
      else layers.push(await gadgetsServer(plan, channel, l, share, secrets, () => layers.workAhead()));
    }
  } finally {
    clearSoon();
  }
}
