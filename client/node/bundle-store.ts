/**
 * The client's bundles on disk. A bundle's state is the ending of its file name, and every change of state is one
 * rename, which the file system makes for one process only:
 *
 *     <id>.<owner>.partial  --both sides committed-->  <id>.ready  --before the first online byte-->  <id>.<owner>.spending
 *
 * Only a bundle that the server refuses because of a limit, before anything masked has left, becomes ready again. Any
 * other `.spending` file is deleted when its inference ends, however it ends; if its process died, the next process
 * that opens the store deletes it. A second use would reveal both labels of a wire (docs/protocol.md, section 9).
 */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { LOST_BUNDLES } from '../../transport/limits.ts';
import type { BundleHeader } from '../bundle-header.ts';
import type { BundleStore, OpenBundleStore, PartialBundle, SpendingBundle } from '../bundle-store.ts';
import { preparedAfter, untilOf } from '../set-aside.ts';
import { isLeftBehind, OWNER } from './file-owner.ts';
import { readHeader, writeHeader } from './header-file.ts';
import { forgetLost, lose, lostIn } from './lost-bundles.ts';
import { release, setAside, setAsideUntil } from './quarantine.ts';
import { checkSpace, makePrivateFolder, onMissing, storageError, syncFolder } from './storage.ts';

const HEX = /^[0-9a-f]{32,64}$/;

class FolderBundleStore implements BundleStore {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(stateFolder: string, address: string): Promise<FolderBundleStore> {
    const store = new FolderBundleStore(
      join(stateFolder, 'bundles', `server-${encodeURIComponent(address)}`),
    );
    await makePrivateFolder(store.#folder);
    for (const modelHash of await store.#models()) await store.#sweep(modelHash);
    return store;
  }

  checkRoom(bytes: number): Promise<void> {
    return checkSpace(this.#folder, bytes);
  }

  async begin(modelHash: string, bundleId: string, bytes: number): Promise<PartialBundle> {
    const folder = this.#modelFolder(modelHash);
    await makePrivateFolder(folder);
    await checkSpace(folder, bytes);
    const path = join(folder, `${checkHex(bundleId)}.${OWNER}.partial`);
    const ready = join(folder, `${bundleId}.ready`);
    if (await stat(ready).catch(onMissing(undefined)))
      throw new SphynxError('protocol/order', 'the server gave this bundle an id that is already in use');
    return {
      path,
      seal: async (header) =>
        writeHeader(path, preparedAfter(header, (await setAsideUntil(this.#folder)) ?? 0)),
      publish: () => move(folder, path, ready),
      discard: () => lose(path, bundleId),
    };
  }

  async take(modelHash: string, planHash: string): Promise<SpendingBundle | undefined> {
    const folder = this.#modelFolder(modelHash);
    const aside = await this.#setAside();
    for (const { header, file } of await this.#ready(modelHash)) {
      if (aside(header)) continue;
      const ready = join(folder, file);
      const path = join(folder, `${file.slice(0, -'.ready'.length)}.${OWNER}.spending`);
      const usable =
        header instanceof SphynxError || (header.expiresAt > Date.now() && header.planHash === planHash);
      if (!usable) {
        await dropReady(folder, file.slice(0, -'.ready'.length));
        continue;
      }
      if (!(await moveUnlessGone(folder, ready, path))) continue; // another process was faster
      const burn = () => rm(path, { force: true });
      if (header instanceof SphynxError) {
        await burn();
        throw header;
      }
      return {
        path,
        header,
        burn,
        lose: () => lose(path, header.bundleId),
        giveBack: () => move(folder, path, ready),
      };
    }
    return undefined;
  }

  async list(modelHash?: string): Promise<BundleHeader[]> {
    const aside = await this.#setAside();
    return (await this.#whole(modelHash)).filter((header) => !aside(header));
  }

  async listSetAside(): Promise<BundleHeader[]> {
    return (await this.#whole()).filter(await this.#setAside());
  }

  async setAside(): Promise<void> {
    await setAside(this.#folder, untilOf(await this.#whole()));
  }

  async confirm(): Promise<number> {
    const { length } = await this.listSetAside();
    await release(this.#folder);
    return length;
  }

  async dropExpired(): Promise<number> {
    let dropped = 0;
    for (const modelHash of await this.#models())
      for (const { header, file } of await this.#ready(modelHash)) {
        if (!(header instanceof SphynxError) && header.expiresAt > Date.now()) continue;
        if (await dropReady(this.#modelFolder(modelHash), file.slice(0, -'.ready'.length))) dropped++;
      }
    return dropped;
  }

  async drop(bundles: readonly BundleHeader[]): Promise<number> {
    let dropped = 0;
    for (const { bundleId, modelHash } of bundles)
      if (await dropReady(this.#modelFolder(modelHash), checkHex(bundleId))) dropped++;
    return dropped;
  }

  async lost(): Promise<string[]> {
    const hashes = await this.#models();
    const lost = await Promise.all(hashes.map((hash) => lostIn(this.#modelFolder(hash))));
    return lost.flat().slice(0, LOST_BUNDLES);
  }

  async forgetLost(ids: readonly string[]): Promise<void> {
    for (const modelHash of await this.#models()) await forgetLost(this.#modelFolder(modelHash), ids);
  }

  /** Returns ready bundles ordered by expiry; damaged ones follow as errors. */
  async #ready(modelHash: string): Promise<{ file: string; header: BundleHeader | SphynxError }[]> {
    const folder = this.#modelFolder(modelHash);
    const files = (await readdir(folder).catch(onMissing<string[]>([]))).filter((file) =>
      file.endsWith('.ready'),
    );
    const bundles = [];
    for (const file of files) {
      const header = await readHeader(join(folder, file)).catch(corruptOrGone);
      if (header) bundles.push({ file, header });
    }
    return bundles.sort((a, b) => byExpiry(a.header, b.header));
  }

  /** Returns all ready bundles whose headers can be read, ordered by expiry. */
  async #whole(modelHash?: string): Promise<BundleHeader[]> {
    const hashes = modelHash === undefined ? await this.#models() : [modelHash];
    const bundles = (await Promise.all(hashes.map((hash) => this.#ready(hash)))).flat();
    return bundles.flatMap(({ header }) => (header instanceof SphynxError ? [] : [header])).sort(byExpiry);
  }

  /** Returns a test of whether a bundle is set aside. */
  async #setAside(): Promise<(header: BundleHeader | SphynxError) => boolean> {
    const until = await setAsideUntil(this.#folder);
    return (header) => until !== undefined && !(header instanceof SphynxError) && header.preparedAt <= until;
  }

  /** Returns the hashes of the models that have a folder. */
  async #models(): Promise<string[]> {
    const names = await readdir(this.#folder).catch((error: unknown) => {
      throw storageError(error, this.#folder);
    });
    return names.filter((name) => HEX.test(name));
  }

  async #sweep(modelHash: string): Promise<void> {
    const folder = join(this.#folder, modelHash);
    for (const file of await readdir(folder)) {
      const [, id, owner] = /^([^.]+)\.([^.]+)\.(partial|spending)$/.exec(file) ?? [];
      if (owner === undefined) continue;
      const path = join(folder, file);
      const changedAt = await stat(path).then(({ ctimeMs }) => ctimeMs, onMissing(undefined));
      if (changedAt !== undefined && isLeftBehind(owner, changedAt)) await lose(path, id);
    }
  }

  #modelFolder(modelHash: string): string {
    return join(this.#folder, checkHex(modelHash));
  }
}

export const openBundleStore: OpenBundleStore = (stateFolder, address) =>
  FolderBundleStore.open(stateFolder, address);

function byExpiry(a: BundleHeader | SphynxError, b: BundleHeader | SphynxError): number {
  const moment = (header: BundleHeader | SphynxError) =>
    header instanceof SphynxError ? Number.MAX_VALUE : header.expiresAt;
  return moment(a) - moment(b);
}

/** Checks a name from the server, which becomes a file name: only hex digits are allowed. */
function checkHex(name: string): string {
  if (HEX.test(name)) return name;
  throw new SphynxError(
    'protocol/length',
    'expected an id of 32 to 64 hex digits from the server; it does not speak our protocol',
  );
}

/** Deletes a ready bundle; the server is told later. Returns false if another process was faster. */
async function dropReady(folder: string, bundleId: string): Promise<boolean> {
  const path = join(folder, `${bundleId}.${OWNER}.spending`);
  if (!(await moveUnlessGone(folder, join(folder, `${bundleId}.ready`), path))) return false;
  await lose(path, bundleId);
  return true;
}

/** Returns the error of a damaged file, or undefined for a file that another process has just taken. */
function corruptOrGone(error: SphynxError): SphynxError | undefined {
  if (error.code === 'bundle/corrupt') return error;
  if ((error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  throw error;
}

async function move(folder: string, from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncFolder(folder);
  } catch (error) {
    throw storageError(error, to);
  }
}

async function moveUnlessGone(folder: string, from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw storageError(error, to);
  }
  await syncFolder(folder).catch((error: unknown) => {
    throw storageError(error, folder);
  });
  return true;
}
