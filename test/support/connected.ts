/** A server of the small network for one test file, clients and cut-able links to it, and what results must be. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { type Client, type ConnectOptions, connect, type RawImage } from '../../client/index.ts';
import { prepareImage } from '../../client/node/image.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { quantizeImage, stochasticRange } from '../../model/executor.ts';
import { FaultyLink } from './faulty-link.ts';
import { network, runningServer } from './running-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

const { card } = network;
export const server = await runningServer();

const random = seededRandom(5);
const { width, height } = card.preprocessing;
export const image: RawImage = {
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, () => random() * 256),
};

/** A client with a state folder of its own, closed when the test file is done. */
export async function newClient(
  options: ConnectOptions = {},
  address = `127.0.0.1:${server.port}`,
): Promise<Client> {
  const client = await connect(address, { stateFolder: temporaryFolder(), ...options });
  after(() => client.close());
  return client;
}

/** A link to the server, or to another port. */
export async function newLink(port = server.port): Promise<FaultyLink> {
  const link = await FaultyLink.to(port);
  after(() => link.close());
  return link;
}

/** Names of all bundle files below a state folder. */
export function bundleFiles(stateFolder: string): string[] {
  return readdirSync(join(stateFolder, 'bundles'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(partial|ready|spending)$/.test(name),
  );
}

/** Logits of `image` must lie where the integer executor's random rounding puts them. */
export async function assertRight(logits: Float64Array): Promise<void> {
  const input = quantizeImage(card, await prepareImage(image, card));
  const { mean, deviation } = stochasticRange(network, input, 64, seededRandom(1));
  for (const [i, logit] of logits.entries()) {
    const units = logit * 2 ** card.logitScaleBits;
    assert.ok(Number.isInteger(units));
    assert.ok(
      Math.abs(units - mean[i]) <= 8 * deviation[i],
      `logit ${i}: ${units}, expected ${mean[i]} +- ${deviation[i]}`,
    );
  }
}
