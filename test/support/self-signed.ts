import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/**
 * A fresh self-signed certificate for one host name, as PEM, written in plain DER (X.509, RFC 5280). `begins` and
 * `ends`: days from now.
 */
export function selfSigned(host: string, begins = -1, ends = 1): { certificate: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
  const name = sequence(tagged(0x31, sequence(oid('550403'), tagged(0x0c, Buffer.from(host)))));
  const day = (offset: number) =>
    tagged(
      0x17,
      Buffer.from(`${new Date(Date.now() + offset).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`),
    );
  const dayMs = 24 * 60 * 60 * 1000;
  const alternativeNames = sequence(tagged(0x82, Buffer.from(host)));
  const extensions = sequence(sequence(oid('551d11'), tagged(0x04, alternativeNames)));
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    sequence(day(begins * dayMs), day(ends * dayMs)),
    name,
    publicKey,
    tagged(0xa3, extensions),
  );
  const signature = sign('sha256', body, createPrivateKey(privateKey));
  const der = sequence(body, ecdsaWithSha256, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey,
  };
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
