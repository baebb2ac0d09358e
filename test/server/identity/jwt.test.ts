import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { type JwtOptions, JwtVerifier } from '../../../server/identity/jwt.ts';
import { AUDIENCE, fileOf, ISSUER, inSeconds, jwtAuthority } from '../../support/keys.ts';

const { jwks, sign } = await jwtAuthority();
const jwksFile = fileOf(jwks);
const verifier = (changes: Partial<JwtOptions> = {}) =>
  new JwtVerifier({ jwksFile, issuer: ISSUER, audience: AUDIENCE, ...changes });

const WRONG: [string, () => Promise<string>, RegExp][] = [
  ['has expired', () => sign({ exp: inSeconds(-60) }), /expired/],
  ['never expires', () => sign({ exp: undefined }), /exp/],
  ['is not valid yet', () => sign({ nbf: inSeconds(600) }), /nbf/],
  ['is for another service', () => sign({ aud: 'shop' }), /aud/],
  ['is for no service', () => sign({ aud: undefined }), /aud/],
  ['is of another issuer', () => sign({ iss: 'https://elsewhere.example' }), /iss/],
  ['names nobody', () => sign({ sub: undefined }), /sub/],
  ['names nobody in particular', () => sign({ sub: '' }), /subject/],
  ['is signed by another key', async () => (await jwtAuthority()).sign(), /signature/],
  ['is signed by a key of another name', async () => (await jwtAuthority('second')).sign(), /key/],
  ['is not signed', async () => `${part({ alg: 'none' })}.${(await sign()).split('.')[1]}.`, /algorithm/],
  ['is signed with the public key as if it were a secret', confused, /algorithm/],
  ['was tampered with', async () => tamper(await sign()), /signature/],
  ['demands an extension that we lack', demanding, /cannot be checked/],
];
for (const [what, token, message] of WRONG)
  test(`a token that ${what} is refused`, async () => {
    await assert.rejects(
      async () => verifier().identify(await token()),
      (error: Error & { code: string }) => error.code === 'identity/invalid' && message.test(error.message),
    );
  });

test('keys are reloaded when their file changes, and keep being what they were when it is damaged', async () => {
  const file = fileOf(jwks);
  const watching = verifier({ jwksFile: file });
  const next = await jwtAuthority('second');
  await assert.rejects(watching.identify(await next.sign()), { code: 'identity/invalid' });
  writeFileSync(file, next.jwks);
  assert.ok(watching.reload());
  await watching.identify(await next.sign());
  await assert.rejects(watching.identify(await sign()), { code: 'identity/invalid' });
  writeFileSync(file, '{');
  assert.throws(() => watching.reload(), { code: 'config/invalid' });
  await watching.identify(await next.sign());
});

test('settings under which anybody could sign are refused', () => {
  const secret = fileOf(JSON.stringify({ keys: [{ kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }] }));
  for (const changes of [
    { algorithms: ['HS256'] as never },
    { algorithms: ['none'] as never },
    { algorithms: [] },
    { issuer: '' },
    { audience: '' },
    { jwksUrl: 'https://login.example/keys' },
    { jwksFile: undefined },
    { jwksFile: secret },
    { jwksFile: fileOf('[]') },
    { jwksFile: undefined, jwksUrl: 'http://login.example/keys' },
    { jwksFile: undefined, jwksUrl: 'https://user:password@login.example/keys' },
    { jwksFile: undefined, jwksUrl: 'keys' },
  ])
    assert.throws(() => verifier(changes), { code: 'config/invalid' }, JSON.stringify(changes));
});

test('keys behind a URL are fetched for the first token, not before, and an outage admits nobody', async () => {
  let asked = 0;
  let status = 500;
  const server = createServer((_request, response) => {
    asked++;
    response.writeHead(status, { 'content-type': 'application/json' }).end(jwks);
  });
  after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const remote = () => verifier({ jwksFile: undefined, jwksUrl: `http://127.0.0.1:${port}/keys` });
  const down = remote();
  assert.equal(asked, 0);
  await assert.rejects(down.identify(await sign()), { code: 'server/busy', message: /try again/ });
  status = 200;
  const up = remote();
  await up.identify(await sign());
  await up.identify(await sign());
  assert.equal(asked, 2, 'one failure, and one answer for both tokens');
  await assert.rejects(up.identify(await sign({ exp: inSeconds(-60) })), { code: 'identity/invalid' });
});

function part(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

async function demanding(): Promise<string> {
  const [, claims, signature] = (await sign()).split('.');
  return [part({ alg: 'ES256', kid: 'first', crit: ['x'], x: 1 }), claims, signature].join('.');
}

async function confused(): Promise<string> {
  const [, claims] = (await sign()).split('.');
  const text = `${part({ alg: 'HS256', kid: 'first' })}.${claims}`;
  return `${text}.${createHmac('sha256', jwks).update(text).digest('base64url')}`;
}

function tamper(token: string): string {
  const [header, claims, signature] = token.split('.');
  const content = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return [header, part({ ...content, sub: 'root' }), signature].join('.');
}
