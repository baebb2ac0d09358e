import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { netemCommands } from '../../bench/network/netem.ts';
import { withParties } from '../../bench/party.ts';
import type { Emulated } from '../../bench/proxy-process.ts';
import { networkProfile } from '../../transport/network-profiles.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

/** A `tc` that writes down its calls and fails at those that contain `refused`: a PATH, and what was called. */
function recordedTc(name: string, refused: string): { PATH: string; calls: () => string[] } {
  const path = join(folder, name);
  const log = join(path, 'calls');
  mkdirSync(path);
  writeFileSync(log, '');
  const script = `#!/bin/sh\necho "$*" >> '${log}'\ncase "$*" in *'${refused}'*) exit 2;; esac\n`;
  writeFileSync(join(path, 'tc'), script);
  chmodSync(join(path, 'tc'), 0o755);
  return { PATH: path, calls: () => readFileSync(log, 'utf8').trimEnd().split('\n') };
}

/** Emulates a network, and how; ends it as a measurement does. */
const emulated = (PATH: string) =>
  withParties(async (start) => {
    const { ready } = await start<Emulated>('proxy-process.ts', ['4321', 'mobile'], { env: { PATH } });
    return ready;
  });

const commands = netemCommands(4321, networkProfile('mobile')).map((command) => command.join(' '));
const REMOVE = 'qdisc del dev lo root';

test('the kernel paces each direction of the server, delays it by half a round trip, and leaves other traffic', () => {
  assert.deepEqual(commands, [
    'qdisc add dev lo root netem',
    'qdisc del dev lo root',
    'qdisc add dev lo root handle 1: htb',
    'class add dev lo parent 1: classid 1:1 htb rate 20000000bit burst 66k cburst 66k quantum 66000',
    'qdisc add dev lo parent 1:1 netem delay 30000us limit 100000',
    'filter add dev lo parent 1: protocol ip u32 match ip protocol 6 0xff match ip dport 4321 0xffff flowid 1:1',
    'class add dev lo parent 1: classid 1:2 htb rate 50000000bit burst 66k cburst 66k quantum 66000',
    'qdisc add dev lo parent 1:2 netem delay 30000us limit 100000',
    'filter add dev lo parent 1: protocol ip u32 match ip protocol 6 0xff match ip sport 4321 0xffff flowid 1:2',
  ]);
});

test('where netem exists the kernel emulates, until the measurement ends', async () => {
  const { PATH, calls } = recordedTc('all', 'nothing is refused');
  assert.deepEqual(await emulated(PATH), { port: 4321, by: 'netem' });
  assert.deepEqual(calls(), [...commands, REMOVE]);
});

test('without netem nothing is changed and a proxy emulates', async () => {
  const { PATH, calls } = recordedTc('none', 'netem');
  assert.equal((await emulated(PATH)).by, 'proxy');
  assert.deepEqual(calls(), [commands[0]]);
});

test('kernel settings are undone if a later one is refused', async () => {
  const { PATH, calls } = recordedTc('half', 'sport');
  assert.equal((await emulated(PATH)).by, 'proxy');
  assert.deepEqual(calls(), [...commands, REMOVE]);
});

test('without tc a proxy emulates', async () => {
  const { port, by } = await emulated(join(folder, 'nowhere'));
  assert.equal(by, 'proxy');
  assert.notEqual(port, 4321);
});
