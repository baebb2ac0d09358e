/**
 * The client's bundles in the origin private file system of a browser. A bundle's state is the first byte of its file,
 * and changes under a Web Lock by one write that is flushed:
 *
 *     partial  --both sides committed-->  ready  --before the first online byte-->  spending
 *
 * There is no way back. The tab that spends a bundle holds its file, so that a file which nobody holds and which is
 * not ready was left behind, and is erased by the next tab that opens the store.
 */
import { SphynxError } from '../../errors/sphynx-error.ts';
import { LOST_BUNDLES } from '../../transport/limits.ts';
import { type BundleHeader, HEADER_BYTES } from '../bundle-header.ts';
import type { BundleStore, OpenBundleStore, PartialBundle, SpendingBundle } from '../bundle-store.ts';
import { RESERVE_BYTES } from '../limits.ts';
import { preparedAfter, readUntil, untilOf } from '../set-aside.ts';
import { BundleFile, folderOf, isDurable, namesIn, readStart, storageError } from './bundle-files.ts';
import type { Folder } from './folder.ts';

/** First byte of a file, in front of the header as JSON. */
const STATE = { partial: 'p', ready: ' ', spending: 's' } as const;

const BUNDLE = /^([0-9a-f]{32,64})\.bundle$/;
const LOST = '.lost';
/** Names the moment until which bundles are set aside: see quarantine.ts. */
const SET_ASIDE = 'quarantine';
const HEX = /^[0-9a-f]{32,64}$/;

class OriginBundleStore implements BundleStore {
  readonly #names: readonly string[];

  private constructor(names: readonly string[]) {
    this.#names = names;
  }

  static async open(stateFolder: string, address: string): Promise<OriginBundleStore> {
    const store = new OriginBundleStore([stateFolder, encodeURIComponent(address)]);
    await store.#locked(async () => {
      for (const modelHash of await store.#models()) await store.#sweep(modelHash);
    });
    return store;
  }

  checkRoom(bytes: number): Promise<void> {
    return checkSpace(bytes);
  }

  async begin(modelHash: string, bundleId: string, bytes: number): Promise<PartialBundle> {
    await checkSpace(bytes);
    const path = this.#path(modelHash, bundleId);
    const file = await this.#locked(async () => {
      const created = await BundleFile.hold(path, { create: true });
      if (!created || created.size > 0) {
        created?.release();
        throw new SphynxError('protocol/order', 'the server gave this bundle an id that is already in use');
      }
      setState(created, 'partial');
      return created;
    });
    return {
      path,
      seal: async (header) => {
        const later = preparedAfter(header, await this.#setAsideUntil());
        const text = JSON.stringify(later).padEnd(HEADER_BYTES - 1);
        file.write(new TextEncoder().encode(text), 1);
        file.flush();
      },
      async publish() {
        setState(file, 'ready');
        file.release();
      },
      discard: () => this.#lose(modelHash, bundleId, file),
    };
  }

  async take(modelHash: string, planHash: string): Promise<SpendingBundle | undefined> {
    return this.#locked(async () => {
      for (const header of await this.list(modelHash)) {
        const path = this.#path(modelHash, header.bundleId);
        const file = await BundleFile.hold(path);
        if (!file) continue;
        if (stateOf(file) !== STATE.ready) {
          file.release();
          continue;
        }
        setState(file, 'spending');
        if (header.expiresAt <= Date.now() || header.planHash !== planHash) {
          await this.#lose(modelHash, header.bundleId, file);
          continue;
        }
        return {
          path,
          header,
          burn: () => file.remove(),
          lose: () => this.#lose(modelHash, header.bundleId, file),
          async giveBack() {
            setState(file, 'ready');
            file.release();
          },
        };
      }
      return undefined;
    });
  }

  async list(modelHash?: string): Promise<BundleHeader[]> {
    const until = await this.#setAsideUntil();
    return (await this.#whole(modelHash)).filter(({ preparedAt }) => preparedAt > until);
  }

  async listSetAside(): Promise<BundleHeader[]> {
    const until = await this.#setAsideUntil();
    return (await this.#whole()).filter(({ preparedAt }) => preparedAt <= until);
  }

  async setAside(): Promise<void> {
    const until = untilOf(await this.#whole());
    const file = await BundleFile.hold([...this.#names, SET_ASIDE].join('/'), { create: true });
    // Another tab that holds it is writing the same content.
    if (!file) return;
    file.write(new TextEncoder().encode(`${until}`.padEnd(16)), 0);
    file.flush();
    file.release();
  }

  async confirm(): Promise<number> {
    const { length } = await this.listSetAside();
    await (await folderOf(...this.#names)).removeEntry(SET_ASIDE).catch(() => {});
    return length;
  }

  async dropExpired(): Promise<number> {
    return this.drop((await this.#whole()).filter(({ expiresAt }) => expiresAt <= Date.now()));
  }

  async drop(bundles: readonly BundleHeader[]): Promise<number> {
    let dropped = 0;
    await this.#locked(async () => {
      for (const { bundleId, modelHash } of bundles) {
        const file = await BundleFile.hold(this.#path(modelHash, bundleId));
        if (!file) continue;
        setState(file, 'spending');
        await this.#lose(modelHash, bundleId, file);
        dropped++;
      }
    });
    return dropped;
  }

  async lost(): Promise<string[]> {
    const lost: string[] = [];
    for (const hash of await this.#models())
      for (const name of await namesIn(await this.#folder(hash)))
        if (name.endsWith(LOST)) lost.push(name.slice(0, -LOST.length));
    return lost.slice(0, LOST_BUNDLES);
  }

  async forgetLost(ids: readonly string[]): Promise<void> {
    for (const hash of await this.#models()) {
      const folder = await this.#folder(hash);
      for (const id of ids) await folder.removeEntry(id + LOST).catch(() => {});
    }
  }

  /** Returns all ready bundles, ordered by expiry. */
  async #whole(modelHash?: string): Promise<BundleHeader[]> {
    const bundles: BundleHeader[] = [];
    for (const hash of modelHash === undefined ? await this.#models() : [modelHash]) {
      const folder = await this.#folder(hash);
      for (const name of await namesIn(folder)) {
        const header = BUNDLE.test(name) ? await readyHeader(folder, name) : undefined;
        if (header) bundles.push(header);
      }
    }
    return bundles.sort((a, b) => a.expiresAt - b.expiresAt);
  }

  /** Bundles prepared until this moment are set aside (ms since the epoch). Throws 'storage/failed'. */
  async #setAsideUntil(): Promise<number> {
    try {
      return readUntil(await readStart(await folderOf(...this.#names), SET_ASIDE, 16));
    } catch (error) {
      if ((error as DOMException).name === 'NotFoundError') return Number.NEGATIVE_INFINITY;
      throw storageError(error);
    }
  }

  /** Erases a file that is held and remembers the bundle as lost. */
  async #lose(modelHash: string, bundleId: string, file: BundleFile): Promise<void> {
    const folder = await this.#folder(modelHash);
    // If there is no room for a name, the server keeps its record until it expires.
    await folder.getFileHandle(bundleId + LOST, { create: true }).catch(() => {});
    await file.remove();
  }

  async #sweep(modelHash: string): Promise<void> {
    for (const name of await namesIn(await this.#folder(modelHash))) {
      const [, id] = BUNDLE.exec(name) ?? [];
      const file = id && (await BundleFile.hold(this.#path(modelHash, id)));
      if (!file) continue;
      if (isReady(file)) file.release();
      else await this.#lose(modelHash, id, file);
    }
  }

  async #models(): Promise<string[]> {
    return (await namesIn(await folderOf(...this.#names))).filter((name) => HEX.test(name));
  }

  #folder(modelHash: string): Promise<Folder> {
    return folderOf(...this.#names, checkHex(modelHash));
  }

  #path(modelHash: string, bundleId: string): string {
    return [...this.#names, checkHex(modelHash), `${checkHex(bundleId)}.bundle`].join('/');
  }

  /** Runs `body` while no other tab can change states. */
  #locked<Result>(body: () => Promise<Result>): Promise<Result> {
    return navigator.locks.request(`sphynx-bundles:${this.#names.join('/')}`, body) as Promise<Result>;
  }
}

export const openBundleStore: OpenBundleStore = (stateFolder, address) =>
  OriginBundleStore.open(stateFolder, address);

function setState(file: BundleFile, state: keyof typeof STATE): void {
  file.write(new TextEncoder().encode(STATE[state]), 0);
  file.flush();
}

function stateOf(file: BundleFile): string {
  const state = new Uint8Array(1);
  return file.read(state, 0) === 1 ? String.fromCharCode(state[0]) : '';
}

/** Whether a bundle can be spent: its state says so, and its header is whole. */
function isReady(file: BundleFile): boolean {
  const header = new Uint8Array(HEADER_BYTES);
  file.read(header, 0);
  return parse(new TextDecoder().decode(header)) !== undefined;
}

function parse(text: string): BundleHeader | undefined {
  try {
    return text.startsWith(STATE.ready) ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the header of a ready bundle; undefined for others, and for one that is being taken. */
async function readyHeader(folder: Folder, name: string): Promise<BundleHeader | undefined> {
  return parse(await readStart(folder, name, HEADER_BYTES).catch(() => ''));
}

async function checkSpace(bytes: number): Promise<void> {
  // Memory has its own limit, and no quota that could be queried.
  if (!(await isDurable())) return;
  const { quota = 0, usage = 0 } = await navigator.storage.estimate().catch((error: unknown) => {
    throw storageError(error);
  });
  if (quota - usage - bytes < RESERVE_BYTES)
    throw new SphynxError(
      'storage/failed',
      `the preparation needs ${bytes} bytes, and the browser gives this page only ${quota - usage} more; free some space, or clear bundles`,
    );
}

/** Checks a name from the server, which becomes a file name: only hex digits are allowed. */
function checkHex(name: string): string {
  if (HEX.test(name)) return name;
  throw new SphynxError(
    'protocol/length',
    'expected an id of 32 to 64 hex digits from the server; it does not speak our protocol',
  );
}
