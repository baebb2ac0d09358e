import { type Client, connect, type RawImage } from '../../client/index.ts';
import { liesInRange, mayBeTop, plaintextRange } from '../../client/matches-plaintext.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import type { FixedNetwork } from '../../model/network.ts';

/** An ordinary client of the server under attack. */
export class HonestClient {
  readonly #client: Client;
  readonly #network: FixedNetwork;
  readonly #image: RawImage;

  private constructor(client: Client, network: FixedNetwork) {
    const { width, height } = network.card.preprocessing;
    const random = seededRandom(1);
    this.#client = client;
    this.#network = network;
    this.#image = {
      width,
      height,
      // A Buffer, because the image decoder compares constructors, and those of arrays are watched.
      data: Buffer.from(Array.from({ length: 3 * width * height }, () => Math.floor(256 * random()))),
    };
  }

  static async connect(port: number, network: FixedNetwork, stateFolder: string): Promise<HonestClient> {
    return new HonestClient(await connect(`127.0.0.1:${port}`, { stateFolder }), network);
  }

  /**
   * Prepares a bundle and spends it. Throws the client's errors, and 'internal' if the result differs from the
   * plaintext's.
   */
  async classify(): Promise<void> {
    const { card } = this.#network;
    const { top, logits } = await this.#client.classify(this.#image, { model: card.name, prepare: true });
    const scaled = [...logits].map((logit) => logit * 2 ** card.logitScaleBits);
    const range = await plaintextRange(this.#network, this.#image);
    const right = card.output === 'logits' ? liesInRange(range, scaled) : mayBeTop(range, top[0].index);
    if (!right) throw new SphynxError('internal', 'a private result does not equal the plaintext one');
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
