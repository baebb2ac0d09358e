/**
 * The client's bundles on disk. A bundle's state is the ending of its file name, and every change of state is
 * one rename, which the file system makes for one process only:
 *
 *     <id>.<owner>.partial  --both sides committed-->  <id>.ready  --before the first online byte-->  <id>.<owner>.spending
 *
 * There is no way back but one: a bundle that the server refuses for lack of room, before anything masked has left, is
 * given back. Any other `.spending` file is deleted when its inference ends, however it ends, and one whose process died
 * is deleted by the next process that opens the store. A second use would give away both labels of a wire (protocol.md,
 * section 5).
 */
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { LOST_BUNDLES } from '../../transport/limits.ts';
import { type BundleHeader, readHeader, writeHeader } from '../bundle-header.ts';
import { isLeftBehind, OWNER } from './file-owner.ts';
import { forgetLost, lose, lostIn } from './lost-bundles.ts';
import { release, setAside, setAsideUntil } from './quarantine.ts';
import { checkSpace, makePrivateFolder, onMissing, storageError, syncFolder } from './storage.ts';

/** A bundle being prepared. Write the body to `path` with a BundleWriter, then `publish` or `discard`. */
export interface PartialBundle {
  readonly path: string;
  /** Completes the file and makes it durable: after it the server may be told to commit. */
  seal(header: BundleHeader): Promise<void>;
  /** Makes the bundle ready, once the server has committed. */
  publish(): Promise<void>;
  /** Deletes it; the server, which may hold it as ready, is told later. */
  discard(): Promise<void>;
}

/** A bundle that belongs to one inference and to no other, ever. */
export interface SpendingBundle {
  readonly path: string;
  readonly header: BundleHeader;
  /** Deletes the file; call this or `lose`, however the inference ended. */
  burn(): Promise<void>;
  /** Deletes the file of a bundle that the server may not have spent, and will be told of. */
  lose(): Promise<void>;
  /** Makes it ready again: the server has refused it and left it as it was, and nothing masked has been sent. */
  giveBack(): Promise<void>;
}

const HEX = /^[0-9a-f]{32,64}$/;

export class BundleStore {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The bundles for the server at `address`, below `stateFolder`. Removes what crashed processes left behind
   * and leaves the files of running ones alone. Throws 'storage/failed'.
   */
  static async open(stateFolder: string, address: string): Promise<BundleStore> {
    const store = new BundleStore(join(stateFolder, 'bundles', `server-${encodeURIComponent(address)}`));
    await makePrivateFolder(store.#folder);
    for (const modelHash of await store.#models()) await store.#sweep(modelHash);
    return store;
  }

  /** Throws 'storage/failed' if bundles of `bytes` in all find too little room on the disk. */
  checkRoom(bytes: number): Promise<void> {
    return checkSpace(this.#folder, bytes);
  }

  /**
   * Room for a new bundle of the model, of `bytes`. Throws 'protocol/order' if a bundle of that id is ready already,
   * 'storage/failed' if the disk has too little room.
   */
  async begin(modelHash: string, bundleId: string, bytes: number): Promise<PartialBundle> {
    const folder = this.#modelFolder(modelHash);
    await makePrivateFolder(folder);
    await checkSpace(folder, bytes);
    const path = join(folder, `${checkHex(bundleId)}.${OWNER}.partial`);
    const ready = join(folder, `${bundleId}.ready`);
    if (await stat(ready).catch(onMissing(undefined)))
      throw new SphynxError('protocol/order', 'the server gave this bundle an id that it had given before');
    return {
      path,
      seal: (header) => writeHeader(path, header),
      publish: () => move(folder, path, ready),
      discard: () => lose(path, bundleId),
    };
  }

  /**
   * Takes a ready bundle for one inference, the one that expires first; undefined if there is none. When this
   * returns, the bundle is out of every other process's reach, durably. Bundles that have expired or were made
   * for another plan are dropped on the way, and those that are set aside are left. Throws 'bundle/corrupt' (the damaged file is deleted; others may
   * be left) or 'storage/failed'.
   */
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

  /**
   * The ready bundles of a model (of all models without `modelHash`), the one that expires first at the front; those
   * that are set aside are not among them.
   */
  async list(modelHash?: string): Promise<BundleHeader[]> {
    const aside = await this.#setAside();
    return (await this.#whole(modelHash)).filter((header) => !aside(header));
  }

  /** The bundles that are set aside, as `list`. */
  async listSetAside(): Promise<BundleHeader[]> {
    return (await this.#whole()).filter(await this.#setAside());
  }

  /** One bundle of the folder turned out to be used elsewhere: sets all others aside until `confirm`. */
  setAside(): Promise<void> {
    return setAside(this.#folder);
  }

  /** Releases what is set aside; returns the number of bundles. */
  async confirm(): Promise<number> {
    const { length } = await this.listSetAside();
    await release(this.#folder);
    return length;
  }

  /**
   * Deletes the bundles that have expired or are damaged; returns their number. The server is told later: by its own
   * clock they may live on, and count.
   */
  async dropExpired(): Promise<number> {
    let dropped = 0;
    for (const modelHash of await this.#models())
      for (const { header, file } of await this.#ready(modelHash)) {
        if (!(header instanceof SphynxError) && header.expiresAt > Date.now()) continue;
        if (await dropReady(this.#modelFolder(modelHash), file.slice(0, -'.ready'.length))) dropped++;
      }
    return dropped;
  }

  /** Deletes these bundles, unless an inference has taken them; the server is told later. Returns their number. */
  async drop(bundles: readonly BundleHeader[]): Promise<number> {
    let dropped = 0;
    for (const { bundleId, modelHash } of bundles)
      if (await dropReady(this.#modelFolder(modelHash), checkHex(bundleId))) dropped++;
    return dropped;
  }

  /** Ids of bundles that the server may hold as ready and this side has no more: as many as it is told at once. */
  async lost(): Promise<string[]> {
    const hashes = await this.#models();
    const lost = await Promise.all(hashes.map((hash) => lostIn(this.#modelFolder(hash))));
    return lost.flat().slice(0, LOST_BUNDLES);
  }

  /** To be called when the server knows of lost bundles. */
  async forgetLost(ids: readonly string[]): Promise<void> {
    for (const modelHash of await this.#models()) await forgetLost(this.#modelFolder(modelHash), ids);
  }

  /** Ready bundles, the one that expires first at the front; a damaged one comes as its error, at the end. */
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

  /** All ready bundles whose headers can be read, the one that expires first at the front. */
  async #whole(modelHash?: string): Promise<BundleHeader[]> {
    const hashes = modelHash === undefined ? await this.#models() : [modelHash];
    const bundles = (await Promise.all(hashes.map((hash) => this.#ready(hash)))).flat();
    return bundles.flatMap(({ header }) => (header instanceof SphynxError ? [] : [header])).sort(byExpiry);
  }

  /** Whether a bundle is set aside. */
  async #setAside(): Promise<(header: BundleHeader | SphynxError) => boolean> {
    const until = await setAsideUntil(this.#folder);
    return (header) => until !== undefined && !(header instanceof SphynxError) && header.preparedAt <= until;
  }

  /** Hashes of the models that have a folder. */
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

function byExpiry(a: BundleHeader | SphynxError, b: BundleHeader | SphynxError): number {
  const moment = (header: BundleHeader | SphynxError) =>
    header instanceof SphynxError ? Number.MAX_VALUE : header.expiresAt;
  return moment(a) - moment(b);
}

/** Names from the server become file names: nothing but hex digits. */
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

/** A damaged file comes as its error; one that another process has just taken as undefined. */
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
