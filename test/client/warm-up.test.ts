import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { startRoleRunner } from '../../client/browser/role-runner.ts';
import { RoleRunners } from '../../client/role-runners.ts';
import { Rehearsals } from '../../threads/rehearsals.ts';
import { newClient } from '../support/connected.ts';
import { network } from '../support/running-server.ts';

beforeEach(() => mock.restoreAll());

test('a client that classifies nothing need not rehearse inferences', async () => {
  const warm = mock.method(RoleRunners.prototype, 'warm');
  await (await newClient({ warmUp: false })).prepare();
  assert.equal(warm.mock.callCount(), 0);
  await (await newClient()).modelCard();
  assert.equal(warm.mock.callCount(), 1);
});

test('real work in a worker of a page ends the rehearsals of all that share it', async () => {
  const begin = mock.method(Rehearsals.prototype, 'begin', () => {});
  const stop = mock.method(Rehearsals.prototype, 'stop');
  const [online, offline] = [startRoleRunner(), startRoleRunner()];
  online.warm({ card: network.card, setting: 'fast' });
  const closed = async () => {
    throw new Error('closed');
  };
  const channel = { send: closed, receive: closed };
  await assert.rejects(offline.play('open', {}, { channel, signal: new AbortController().signal }), /closed/);
  assert.equal(stop.mock.calls[0].this, begin.mock.calls[0].this);
});
