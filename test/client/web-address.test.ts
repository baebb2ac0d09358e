import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAddress } from '../../client/browser/check-address.ts';

test('pages call other machines over TLS only, and this one also without', () => {
  for (const address of [
    'wss://models.example.org',
    'wss://models.example.org:8443',
    'wss://192.0.2.1:8443',
    'wss://[2001:db8::1]:8443',
    'ws://localhost:8080',
    'ws://127.0.0.1:8080',
    'ws://127.1.2.3',
    'ws://[::1]:8080',
    'ws://[0:0:0:0:0:0:0:1]:8080',
  ])
    checkAddress(address);
  for (const address of [
    'ws://models.example.org',
    'ws://192.0.2.1:8080',
    'ws://128.0.0.1',
    'ws://127.0.0.1.example.org',
    'ws://localhost.example.org',
    'ws://[::2]:8080',
    'ws://0.0.0.0:8080',
  ])
    assert.throws(() => checkAddress(address), { code: 'config/invalid', message: /use wss:/ }, address);
});

test('an address is a scheme, a host and a port', () => {
  for (const address of [
    '',
    'models.example.org:8443',
    'https://models.example.org',
    'wss://',
    'wss://models.example.org/',
    'wss://models.example.org/path',
    'wss://models.example.org?query',
    'wss://models.example.org#fragment',
    'wss://user:secret@models.example.org',
    'ws://localhost@models.example.org',
    'ws://localhost\\@models.example.org',
    'wss://models.example.org:0x1f',
    'wss://models example.org',
    'wss://models.example.org:99999',
  ])
    assert.throws(() => checkAddress(address), { code: 'config/invalid', message: /wss:\/\/HOST/ }, address);
});
