import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleHeader } from '../client/bundle-header.ts';
import type { BundleStore } from '../client/bundle-store.ts';
import { openBundleStore } from '../client/node/bundle-store.ts';
import { defaultStateFolder } from '../client/node/client-token.ts';
import { onMissing } from '../client/node/storage.ts';
import { describeSetAside } from '../client/removed-models.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { Context } from './command.ts';
import { bytes, counted, table } from './units.ts';

export interface BundlesOptions {
  readonly server?: string;
  readonly state?: string;
  /** 'expired', 'all', or the beginning of an id. */
  readonly drop?: string;
  /** Releases the bundles that are set aside. */
  readonly confirm?: boolean;
}

interface Held extends BundleHeader {
  readonly server: string;
}

/**
 * `sphynx bundles`: lists the ready bundles on this machine, for one server or for all; deletes some of them, or
 * releases those that are set aside. It contacts no server; each is told of dropped bundles at the next preparation.
 */
export async function bundles({ output }: Context, options: BundlesOptions): Promise<undefined> {
  const state = options.state ?? defaultStateFolder();
  const servers = options.server === undefined ? await knownServers(state) : [options.server];
  const held: Held[] = [];
  let dropped = 0;
  let confirmed = 0;
  let setAside = 0;
  for (const server of servers) {
    const store = await openBundleStore(state, server);
    dropped += await drop(store, options.drop);
    if (options.confirm) confirmed += await store.confirm();
    setAside += (await store.listSetAside()).length;
    held.push(...(await store.list()).map((bundle) => ({ ...bundle, server })));
  }
  if (options.drop !== undefined && dropped === 0 && !['expired', 'all'].includes(options.drop))
    throw new SphynxError('bundle/none', `there is no bundle whose id begins with "${options.drop}"`);
  const remarks = [
    ...(options.drop === undefined ? [] : [`${counted(dropped, 'bundle')} dropped`]),
    ...(options.confirm ? [`${counted(confirmed, 'bundle')} released`] : []),
    `${counted(held.length, 'bundle')} ready`,
    describeSetAside(setAside),
  ];
  output.result(
    {
      bundles: held.map(shown),
      setAside,
      dropped: options.drop === undefined ? undefined : dropped,
      confirmed: options.confirm ? confirmed : undefined,
    },
    `${remarks.filter((remark) => remark !== '').join('; ')}${held.length > 0 ? `\n\n${describe(held)}` : ''}`,
  );
}

async function drop(store: BundleStore, what: string | undefined): Promise<number> {
  if (what === undefined) return 0;
  const expired = await store.dropExpired();
  if (what === 'expired') return expired;
  const ready = await store.list();
  if (what === 'all') {
    const all = expired + (await store.drop([...ready, ...(await store.listSetAside())]));
    await store.confirm();
    return all;
  }
  if (!/^[0-9a-f]{4,}$/.test(what))
    throw new SphynxError('config/invalid', '--drop takes expired, all, or at least 4 digits of an id');
  return store.drop(ready.filter(({ bundleId }) => bundleId.startsWith(what)));
}

/** Returns the addresses of the servers for which there are bundles. */
async function knownServers(state: string): Promise<string[]> {
  const folders = await readdir(join(state, 'bundles')).catch(onMissing<string[]>([]));
  return folders
    .filter((name) => name.startsWith('server-'))
    .map((name) => decodeURIComponent(name.slice('server-'.length)));
}

function shown({ server, bundleId, model, modelHash, preparedAt, expiresAt, body }: Held) {
  return { server, bundleId, model, modelHash, preparedAt, expiresAt, bytes: body.bytes };
}

function describe(held: readonly Held[]): string {
  const rows = held.map(({ bundleId, model, server, expiresAt, body }) => [
    bundleId.slice(0, 12),
    model,
    server,
    new Date(expiresAt).toISOString().slice(0, 16).replace('T', ' '),
    bytes(body.bytes),
  ]);
  return table(['BUNDLE', 'MODEL', 'SERVER', 'EXPIRES (UTC)', 'SIZE'], rows);
}
