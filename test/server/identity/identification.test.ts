import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import fc from 'fast-check';
import { callerOf } from '../../../server/client-identity.ts';
import { certificateSubject } from '../../../server/identity/certificate-subject.ts';
import { DevelopmentAuthority } from '../../../server/identity/development-certificates.ts';
import { Identification } from '../../../server/identity/identification.ts';
import { ANONYMOUS, identityOf } from '../../../server/identity/identity.ts';
import { newToken, TokenFile } from '../../../server/identity/token-file.ts';
import { CLIENT_KEY } from '../../../transport/client-token.ts';
import { AUDIENCE, callWith, fileOf, ISSUER, jwtAuthority } from '../../support/keys.ts';
import { selfSigned } from '../../support/self-signed.ts';

const raw = (pem: string) => new Uint8Array(new X509Certificate(pem).raw);
const authority = await DevelopmentAuthority.create('authority', 1);
const other = await DevelopmentAuthority.create('other authority', 1);
const shown = async (name: string, from = authority) => {
  const { certificate } = await from.client(name);
  return { raw: raw(certificate), valid_to: new X509Certificate(certificate).validTo };
};
const alice = newToken('alice');

test('without proof a call is refused, unless strangers are let in', async () => {
  const closed = new Identification({ tokens: fileOf(alice.line) });
  await assert.rejects(closed.identify(callWith()), { code: 'identity/missing' });
  assert.equal(await new Identification({ anonymous: true }).identify(callWith()), ANONYMOUS);
});

test('a token takes precedence over a certificate, and a right certificate does not excuse a wrong token', async () => {
  const both = new Identification({ tokens: fileOf(alice.line), anonymous: true });
  const certificate = await shown('bob');
  assert.equal((await both.identify(callWith(alice.token, certificate))).label, 'token:alice');
  assert.match((await both.identify(callWith(undefined, certificate))).label, /^certificate:/);
  for (const wrong of [newToken('alice').token, 'x', `${alice.token}x`, 'a.b.c'])
    await assert.rejects(both.identify(callWith(wrong, certificate)), { code: 'identity/invalid' });
});

test('a token on a server that accepts none is refused rather than ignored', async () => {
  const open = new Identification({ anonymous: true });
  await assert.rejects(open.identify(callWith(alice.token)), {
    code: 'identity/invalid',
    message: /no bearer/,
  });
});

test('two tokens, another scheme and an empty one are refused', async () => {
  const identification = new Identification({ tokens: fileOf(alice.line) });
  for (const values of [
    [`Bearer ${alice.token}`, `Bearer ${alice.token}`],
    ['Basic YTpi'],
    ['Bearer '],
    [''],
  ]) {
    const call = callWith();
    for (const value of values) call.metadata.add('authorization', value);
    await assert.rejects(identification.identify(call), { code: 'identity/invalid' });
  }
});

test('a certificate is known by its own and its issuer name, not by its keys', async () => {
  const of = async (name: string, from = authority) => certificateSubject((await shown(name, from)).raw);
  assert.equal(await of('alice'), await of('alice'), 'a renewed certificate');
  const all = [await of('alice'), await of('bob'), await of('alice', other)];
  assert.equal(new Set(all).size, 3);
  assert.match(certificateSubject(raw(selfSigned('localhost').certificate)), /^[0-9a-f]{64}$/);
});

test('a certificate whose time ran out while the connection lasted is refused', async () => {
  const identification = new Identification({});
  const certificate = { ...(await shown('alice')), valid_to: new Date(Date.now() - 1000).toUTCString() };
  await assert.rejects(identification.identify(callWith(undefined, certificate)), { message: /expired/ });
});

test('bytes that are no certificate are refused with an error of ours', async () => {
  const good = (await shown('alice')).raw;
  const cut = fc.nat(good.length - 1).map((length) => good.slice(0, length));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), cut), (bytes) => {
      assert.throws(() => certificateSubject(bytes), { code: 'identity/invalid' });
    }),
  );
});

test('a file of tokens admits what it names until it changes, and keeps the last good state', async () => {
  const path = fileOf(`# clients\n\n${alice.line}\n`);
  const file = new TokenFile(path);
  const known = file.identify(alice.token);
  assert.equal(file.reload(), false, 'unchanged');
  const [bob, second] = [newToken('bob'), newToken('alice')];
  writeFileSync(path, `${bob.line}\n${second.line}\n`);
  assert.equal(file.reload(), true);
  assert.throws(() => file.identify(alice.token), { code: 'identity/invalid' });
  assert.deepEqual(file.identify(second.token), known, 'a replaced token, the same identity');
  writeFileSync(path, 'bob plaintext-token\n');
  assert.throws(() => file.reload(), { code: 'config/invalid' });
  assert.equal(file.reload(), false, 'told once');
  assert.equal(file.identify(bob.token).label, 'token:bob');
  rmSync(path);
  assert.throws(() => file.reload(), { code: 'config/invalid', message: /cannot read/ });
});

test('every wrong line of a file of tokens is named, and what it holds is not repeated', () => {
  const path = fileOf([alice.line, 'bob', `carol ${alice.token}`, alice.line].join('\n'));
  assert.throws(
    () => new TokenFile(path),
    (error: Error) =>
      /line 2:.*line 3:.*line 4:.*twice/.test(error.message) && !error.message.includes(alice.token),
  );
  for (const name of ['', 'a b', '-x', 'a\nb', 'x'.repeat(65)])
    assert.throws(() => newToken(name), { code: 'config/invalid' });
});

test('the token itself is not in its line', () => {
  assert.ok(!alice.line.includes(alice.token));
  assert.match(alice.line, /^alice sha256:[0-9a-f]{64}$/);
});

test('bundles belong to identity and device together, limits to the identity', () => {
  const device = (token: string) => {
    const metadata = new Metadata();
    metadata.set(CLIENT_KEY, token.repeat(32));
    return metadata;
  };
  const [one, two] = [identityOf('token', ['one']), identityOf('jwt', ['one'])];
  const callers = [one, two, ANONYMOUS].flatMap((identity) =>
    ['a', 'b'].map((token) => callerOf(identity, device(token))),
  );
  assert.equal(new Set(callers.map(({ client }) => client)).size, 6);
  const [oneA, oneB, twoA, , strangerA, strangerB] = callers;
  assert.equal(oneA.identity, oneB.identity);
  assert.notEqual(oneA.identity, twoA.identity, 'the same word of another method');
  assert.notEqual(strangerA.identity, strangerB.identity);
  assert.throws(() => callerOf(one, new Metadata()), { code: 'config/invalid' });
});

test('a JSON Web Token of the right authority for this service names its subject', async () => {
  const { jwks, sign } = await jwtAuthority();
  const jwt = { jwksFile: fileOf(jwks), issuer: ISSUER, audience: AUDIENCE };
  const identification = new Identification({ jwt, tokens: fileOf(alice.line) });
  const first = await identification.identify(callWith(await sign()));
  assert.deepEqual(await identification.identify(callWith(await sign({ aud: [AUDIENCE, 'x'] }))), first);
  assert.notDeepEqual(await identification.identify(callWith(await sign({ sub: 'bob' }))), first);
  assert.ok(!first.label.includes('alice'), 'subjects of people stay out of the log');
  assert.equal((await identification.identify(callWith(alice.token))).label, 'token:alice');
});
