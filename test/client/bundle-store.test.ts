import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, test } from 'node:test';
import { HEADER_BYTES } from '../../client/bundle-header.ts';
import type { BundleStore } from '../../client/bundle-store.ts';
import { createBundle, openBundle } from '../../client/node/bundle-body.ts';
import { openBundleStore } from '../../client/node/bundle-store.ts';
import { OWNER } from '../../client/node/file-owner.ts';
import { readBundle } from '../../protocol/bundle.ts';
import { addBundle, bundleId, MODEL_HASH, PLAN_HASH } from './sample-bundle.ts';

let state: string;
let store: BundleStore;
let children: ChildProcess[];
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'sphynx-store-'));
  store = await openBundleStore(state, 'localhost:1');
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(state, { recursive: true, force: true });
});

const folder = () => join(state, 'bundles', 'server-localhost%3A1', MODEL_HASH);
/** Bundle files, without those that only remember a lost bundle's name. */
const bundleFiles = async () => {
  const files = await readdir(folder());
  for (const file of files.filter((name) => name.endsWith('.lost')))
    assert.equal((await stat(join(folder(), file))).size, 0, 'nothing is left of a lost bundle but its name');
  return files.filter((name) => !name.endsWith('.lost'));
};
const reopen = () => openBundleStore(state, 'localhost:1');

function run(command: string, argument = '', prefix: string[] = []): ChildProcess {
  const script = join(import.meta.dirname, 'store-process.ts');
  const [program, ...args] = [...prefix, process.execPath, script, command, state, argument];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

async function lines(child: ChildProcess): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const line of createInterface(child.stdout!)) values.push(JSON.parse(line));
  return values;
}

async function firstLine(child: ChildProcess): Promise<unknown> {
  const [line] = await once(createInterface(child.stdout!), 'line');
  return JSON.parse(line);
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a bundle is written, becomes ready, and can be taken once', async () => {
  const body = new Uint8Array(5000).map((_, i) => i % 251);
  const partialPath = await addBundle(store, 1, { body });
  assert.deepEqual(await readdir(folder()), [`${bundleId(1)}.ready`]);
  assert.match(partialPath, /\.partial$/);

  const bundle = await store.take(MODEL_HASH, PLAN_HASH);
  assert.equal(bundle?.header.bundleId, bundleId(1));
  assert.deepEqual(bundle.header.offline, { ms: 1, up: 2, down: 3 });
  assert.equal(await store.take(MODEL_HASH, PLAN_HASH), undefined);
  const reader = openBundle(bundle.path, bundle.header.body);
  assert.deepEqual(readBundle(reader, 2000), body.subarray(0, 2000));
  assert.deepEqual(readBundle(reader, 3000), body.subarray(2000));
  reader.check();
  reader.close();

  await bundle.burn();
  assert.deepEqual(await readdir(folder()), []);
});

test('only the user can read bundles', { skip: process.platform === 'win32' }, async () => {
  await addBundle(store, 1);
  assert.equal((await stat(join(folder(), `${bundleId(1)}.ready`))).mode & 0o777, 0o600);
  for (const path of [folder(), join(folder(), '..'), join(state, 'bundles')])
    assert.equal((await stat(path)).mode & 0o777, 0o700);
});

test('the bundle that expires first is taken first; expired ones and other plans are deleted', async () => {
  const soon = Date.now() + 60_000;
  await addBundle(store, 1, { expiresAt: soon + 2 });
  await addBundle(store, 2, { expiresAt: soon });
  await addBundle(store, 3, { expiresAt: Date.now() - 1 });
  await addBundle(store, 4, { expiresAt: soon + 1, planHash: '0'.repeat(64) });
  assert.deepEqual(
    (await store.list()).map((header) => header.bundleId),
    [3, 2, 4, 1].map(bundleId),
  );
  assert.equal((await store.take(MODEL_HASH, PLAN_HASH))?.header.bundleId, bundleId(2));
  assert.equal((await store.take(MODEL_HASH, PLAN_HASH))?.header.bundleId, bundleId(1));
  assert.equal(await store.take(MODEL_HASH, PLAN_HASH), undefined);
  assert.deepEqual(await store.list(), []);
  // By its own clock the server may still hold them.
  assert.deepEqual(new Set(await store.lost()), new Set([3, 4].map(bundleId)));
});

test('expired and damaged bundles are dropped on request', async () => {
  await addBundle(store, 1);
  await addBundle(store, 2, { expiresAt: Date.now() - 1 });
  await addBundle(store, 3);
  await truncate(join(folder(), `${bundleId(3)}.ready`), 1000);
  assert.equal(await store.dropExpired(), 2);
  assert.deepEqual(
    (await store.list()).map((header) => header.bundleId),
    [bundleId(1)],
  );
  assert.deepEqual(new Set(await store.lost()), new Set([2, 3].map(bundleId)), 'the server is told of them');
});

test('bundles of other servers and models are not taken', async () => {
  await addBundle(store, 1);
  assert.equal(await store.take('f'.repeat(64), PLAN_HASH), undefined);
  assert.equal(await (await openBundleStore(state, 'localhost:2')).take(MODEL_HASH, PLAN_HASH), undefined);
});

test('processes that share the folder never take the same bundle', async () => {
  for (let number = 1; number <= 30; number++) await addBundle(store, number);
  const taken = (await Promise.all([1, 2, 3, 4].map(() => lines(run('take-all'))))).flat();
  assert.equal(taken.length, 30);
  assert.equal(new Set(taken).size, 30);
});

test('callers in one process never take the same bundle', async () => {
  for (let number = 1; number <= 5; number++) await addBundle(store, number);
  const bundles = await Promise.all(Array.from({ length: 8 }, () => store.take(MODEL_HASH, PLAN_HASH)));
  const ids = bundles.flatMap((bundle) => bundle?.header.bundleId ?? []);
  assert.deepEqual(ids.sort(), [1, 2, 3, 4, 5].map(bundleId));
});

test('a bundle whose process was killed while spending it is burned, not given out again', async () => {
  await addBundle(store, 1);
  const child = run('take-and-hang');
  assert.equal(await firstLine(child), bundleId(1));
  const during = await (await reopen()).take(MODEL_HASH, PLAN_HASH);
  assert.equal(during, undefined);
  assert.match((await readdir(folder())).join(), /\.spending$/, 'the file of a running process stays');
  await kill(child);
  const after = await reopen();
  assert.equal(await after.take(MODEL_HASH, PLAN_HASH), undefined);
  assert.deepEqual(await bundleFiles(), []);
});

test('a bundle whose process was killed while preparing it is removed', async () => {
  const child = run('write-and-hang', bundleId(1));
  await firstLine(child);
  await reopen();
  assert.match((await readdir(folder())).join(), /\.partial$/, 'the file of a running process stays');
  await kill(child);
  const after = await reopen();
  assert.equal(await after.take(MODEL_HASH, PLAN_HASH), undefined);
  assert.deepEqual(await bundleFiles(), []);
});

test('a leftover is distinguished from a file in use even if the process id was reused', async () => {
  await addBundle(store, 1);
  const [host, pid] = OWNER.split('-');
  const inUse = `${bundleId(2)}.${OWNER}.spending`;
  const otherMachine = `${bundleId(3)}.00000000-${pid}-1.spending`;
  const earlierProcess = `${bundleId(4)}.${host}-${pid}-1.spending`;
  const nonsense = `${bundleId(5)}.${host}-x.partial`;
  for (const name of [inUse, otherMachine, earlierProcess, nonsense])
    await writeFile(join(folder(), name), '');
  await reopen();
  assert.deepEqual((await store.lost()).sort(), [bundleId(4), bundleId(5)]);
  assert.deepEqual((await bundleFiles()).sort(), [`${bundleId(1)}.ready`, inUse, otherMachine].sort());
});

test('a bundle cut short is refused before it is spent, and deleted', async () => {
  for (const length of [0, 100, HEADER_BYTES, HEADER_BYTES + 99]) {
    await addBundle(store, 1);
    await truncate(join(folder(), `${bundleId(1)}.ready`), length);
    await assert.rejects(store.take(MODEL_HASH, PLAN_HASH), {
      code: 'bundle/corrupt',
      message: /prepare another one/,
    });
    assert.deepEqual(await readdir(folder()), []);
  }
});

test('a header of another format or without its fields is refused', async () => {
  await addBundle(store, 1);
  const path = join(folder(), `${bundleId(1)}.ready`);
  const file = await readFile(path);
  const header = JSON.parse(file.toString('utf8', 0, HEADER_BYTES));
  for (const wrong of [
    { ...header, format: 2 },
    { ...header, body: null },
    { ...header, modelHash: 7 },
    null,
    5,
  ]) {
    const text = JSON.stringify(wrong).padEnd(HEADER_BYTES);
    await writeFile(path, Buffer.concat([Buffer.from(text), file.subarray(HEADER_BYTES)]));
    await assert.rejects(store.take(MODEL_HASH, PLAN_HASH), { code: 'bundle/corrupt' });
  }
});

test('a changed byte in the body is found when the body has been read', async () => {
  await addBundle(store, 1, { body: new Uint8Array(1000) });
  const path = join(folder(), `${bundleId(1)}.ready`);
  const file = await readFile(path);
  file[HEADER_BYTES + 500] ^= 1;
  await writeFile(path, file);
  const bundle = await store.take(MODEL_HASH, PLAN_HASH);
  const reader = openBundle(bundle!.path, bundle!.header.body);
  readBundle(reader, 1000);
  assert.throws(() => reader.check(), { code: 'bundle/corrupt', message: /checksum/ });
});

test('a body with too few or too many bytes is refused', async () => {
  await addBundle(store, 1, { body: new Uint8Array(1000) });
  const bundle = await store.take(MODEL_HASH, PLAN_HASH);
  const reader = openBundle(bundle!.path, bundle!.header.body);
  readBundle(reader, 999);
  assert.throws(() => readBundle(reader, 2), {
    code: 'bundle/corrupt',
    message: /2 bytes were needed, 1 are left/,
  });
  assert.throws(() => reader.check(), { code: 'bundle/corrupt', message: /1 bytes were left over/ });
});

test('a write beyond what the disk takes fails clearly and leaves nothing', {
  skip: process.platform === 'win32',
}, async () => {
  const limited = ['sh', '-c', 'ulimit -f 256; exec "$@"', 'sh'];
  const [result] = (await lines(run('write-much', bundleId(1), limited))) as {
    code: string;
    message: string;
  }[];
  assert.equal(result.code, 'storage/failed');
  assert.match(result.message, /choose another state folder/);
  assert.deepEqual(await bundleFiles(), []);
});

test('a bundle that would fill the disk is refused before its first byte comes in', async () => {
  await assert.rejects(store.begin(MODEL_HASH, bundleId(1), 2 ** 50), {
    code: 'storage/failed',
    message: /free some space/,
  });
  assert.deepEqual(await readdir(folder()), []);
});

test('a folder that cannot be used is a storage error that names it', async () => {
  await writeFile(join(state, 'file'), '');
  await assert.rejects(openBundleStore(join(state, 'file'), 'a:1'), {
    code: 'storage/failed',
    message: /file/,
  });
  if (process.platform === 'win32' || process.getuid?.() === 0) return; // root may write anywhere
  await chmod(state, 0o500);
  await assert.rejects(openBundleStore(state, 'b:1'), {
    code: 'storage/failed',
    message: /permission denied/,
  });
  await chmod(state, 0o700);
});

test('ids from the server that are not hex cannot name files', async () => {
  for (const id of ['../../evil', '', 'A'.repeat(32), `${bundleId(1)}/x`])
    await assert.rejects(store.begin(MODEL_HASH, id, 1000), { code: 'protocol/length' });
  await assert.rejects(store.take('..', PLAN_HASH), { code: 'protocol/length' });
});

test('an existing bundle file is never written over', async () => {
  const partial = await store.begin(MODEL_HASH, bundleId(1), 1000);
  const writer = createBundle(partial.path);
  assert.throws(() => createBundle(partial.path), { code: 'storage/failed' });
  await writer.close();
  await partial.discard();
});
