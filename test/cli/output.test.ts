import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostileServer } from '../support/hostile-server.ts';
import { sphynx } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ESCAPES = '\u001b]0;owned\u0007\u009b2J\u202e';
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

test('what a server says cannot drive the terminal, not even in stack traces', async () => {
  const summary = {
    name: 'model',
    hash: 'a'.repeat(64),
    inputChannels: 3,
    inputHeight: 8,
    inputWidth: 8,
    classes: 10,
    relus: 1,
    macs: 1,
    quote: { offlineBytes: 1, onlineBytes: 1, offlineProcessorMs: 0, expectedWaitMs: 0 },
    output: 'logits' as const,
    inputKind: 'picture' as const,
    head: 'softmax' as const,
  };
  const card = { cardJson: ESCAPES, modelHash: '', planHash: '', quote: summary.quote, setting: 'fast' };
  const server = await hostileServer({ models: [summary], card });
  const args = ['--verbose', 'prepare', '--server', server, '--state', temporaryFolder()];
  const { code, stderr } = await sphynx(args);
  assert.equal(code, 1);
  assert.match(stderr, /model\/format: .*not JSON/);
  assert.match(stderr, /caused by: SyntaxError/, 'the trace quotes the text');
  assert.doesNotMatch(stderr, CONTROLS);
});

test("a file's name cannot drive the terminal either", { skip: process.platform === 'win32' }, async () => {
  const name = join(temporaryFolder(), `${ESCAPES}.pem`);
  writeFileSync(name, 'no certificate');
  const { code, stdout, stderr } = await sphynx(['serve', '--tls-cert', name, '--tls-key', name]);
  assert.equal(code, 2);
  assert.match(stderr, /cannot use the TLS files/);
  assert.doesNotMatch(stdout + stderr, CONTROLS);
});
