import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../../client/index.ts';
import type { ModelSummary } from '../../transport/messages.ts';
import { temporaryFolder } from '../server/bundles.ts';
import { hostileServer } from './hostile-server.ts';

const summary: ModelSummary = {
  name: 'model',
  hash: 'a'.repeat(64),
  inputChannels: 3,
  inputHeight: 8,
  inputWidth: 8,
  classes: 10,
  relus: 100,
  macs: 1000,
  quote: { offlineBytes: 1000, onlineBytes: 100 },
};

test('a list of models with names or figures that are none is refused before anybody prints it', async () => {
  const lies: object[] = [
    { name: '\u001b]0;owned\u0007' },
    { name: '' },
    { hash: '\u001b[2J' },
    { quote: undefined },
    { macs: 2 ** 60 },
    { relus: 2 ** 63 },
  ];
  for (const lie of lies) {
    const address = await hostileServer({ models: [{ ...summary, ...lie }] });
    await assert.rejects(connect(address, { stateFolder: temporaryFolder() }), { code: 'model/format' });
  }
});
