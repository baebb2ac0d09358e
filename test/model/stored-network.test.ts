import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CARD_FILE, readNetwork, WEIGHTS_FILE, writeNetwork } from '../../model/stored-network.ts';
import { randomSmallNetwork } from '../support/small-network.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a network is read as it was written', async () => {
  for (const seed of [1, 2, 3]) {
    const folder = temporaryFolder();
    const network = randomSmallNetwork(seed, 3, 0.3);
    await writeNetwork(folder, network);
    assert.deepEqual(await readNetwork(folder), network);
  }
});

test('a stored network that is damaged, cut off or of another card is refused with the remedy', async () => {
  const damage: Record<string, (folder: string) => void> = {
    'has .* bytes and not': (folder) =>
      truncateSync(join(folder, WEIGHTS_FILE), readFileSync(join(folder, WEIGHTS_FILE)).length - 4),
    'is not that of the card': (folder) => {
      const bytes = readFileSync(join(folder, WEIGHTS_FILE));
      bytes[bytes.length - 1] ^= 1;
      writeFileSync(join(folder, WEIGHTS_FILE), bytes);
    },
    'has a bias of': (folder) => {
      const bytes = readFileSync(join(folder, WEIGHTS_FILE));
      bytes[0] ^= 64;
      writeFileSync(join(folder, WEIGHTS_FILE), bytes);
    },
    'is not JSON': (folder) => writeFileSync(join(folder, CARD_FILE), '{'),
    'expected an integer': (folder) => {
      const card = JSON.parse(readFileSync(join(folder, CARD_FILE), 'utf8'));
      writeFileSync(join(folder, CARD_FILE), JSON.stringify({ ...card, relus: 1.5 }));
    },
  };
  for (const [message, change] of Object.entries(damage)) {
    const folder = temporaryFolder();
    await writeNetwork(folder, randomSmallNetwork(1));
    change(folder);
    await assert.rejects(readNetwork(folder), { code: 'model/format', message: new RegExp(message) });
  }
});
