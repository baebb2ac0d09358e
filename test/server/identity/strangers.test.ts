import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { withOutput } from '../../../model/network.ts';
import { warnOfStrangers } from '../../../server/identity/strangers.ts';
import { ModelRegistry } from '../../../server/models.ts';
import { network } from '../../support/running-server.ts';

type Options = Parameters<typeof warnOfStrangers>[0];

/** The lines that a server with these options logs. */
async function warnings(options: Options, output: 'logits' | 'label' = 'logits'): Promise<string[]> {
  const lines: string[] = [];
  const models = await ModelRegistry.load([withOutput(network, output)]);
  warnOfStrangers(options, models, pino({}, { write: (line: string) => lines.push(line) }));
  return lines;
}

test('a server that gives logits to strangers warns, names the models, and recommends the label', async () => {
  const open: Options[] = [
    { address: '0.0.0.0:1', identity: { anonymous: true } },
    { address: '0.0.0.0:1', identity: { tokens: 'tokens' } },
    { address: '127.0.0.1:1', identity: { tokens: 'tokens' }, web: { address: '[::]:2' } },
  ];
  for (const options of open) {
    const [line, ...more] = await warnings(options);
    assert.match(line, /--output label/);
    assert.deepEqual(JSON.parse(line).models, [network.card.name]);
    assert.deepEqual(more, []);
  }
});

test('a server of this machine, of certificates alone, or of labels does not warn', async () => {
  assert.deepEqual(await warnings({ address: '127.0.0.1:1', identity: { anonymous: true } }), []);
  assert.deepEqual(await warnings({ address: '0.0.0.0:1' }), []);
  assert.deepEqual(await warnings({ address: '0.0.0.0:1', identity: { anonymous: true } }, 'label'), []);
});
