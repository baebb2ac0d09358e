// The library below needs reflect-metadata, which keeps metadata of classes.
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

const KEYS = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };
const DAY_MS = 24 * 60 * 60 * 1000;

/** A certificate and its private key, as PEM. */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

/** An authority for development, with the means to issue certificates. */
export class DevelopmentAuthority {
  readonly pair: CertificatePair;
  readonly #name: string;
  readonly #keys: CryptoKeyPair;
  readonly #validity: { notBefore: Date; notAfter: Date };

  private constructor(
    pair: CertificatePair,
    name: string,
    keys: CryptoKeyPair,
    validity: { notBefore: Date; notAfter: Date },
  ) {
    this.pair = pair;
    this.#name = name;
    this.#keys = keys;
    this.#validity = validity;
  }

  /** @param name its common name. @param days how long it and its certificates are valid */
  static async create(name: string, days: number): Promise<DevelopmentAuthority> {
    const keys = await newKeys();
    // Yesterday, for clocks that are behind.
    const validity = {
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + days * DAY_MS),
    };
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...validity,
      serialNumber: serialNumber(),
      name: [{ CN: [name] }],
      keys,
      signingAlgorithm: SIGNATURE,
      extensions: [
        // Nobody below it may issue certificates in its name.
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new DevelopmentAuthority(await pairOf(certificate, keys), name, keys, validity);
  }

  /** For a server under these host names and IP addresses. */
  server(hosts: readonly string[]): Promise<CertificatePair> {
    const names = hosts.map((host) => ({
      type: isIP(host) ? ('ip' as const) : ('dns' as const),
      value: host,
    }));
    return this.#issue(hosts[0], x509.ExtendedKeyUsage.serverAuth, [
      new x509.SubjectAlternativeNameExtension(names),
    ]);
  }

  /** For a client of this name. */
  client(name: string): Promise<CertificatePair> {
    return this.#issue(name, x509.ExtendedKeyUsage.clientAuth, []);
  }

  async #issue(name: string, usage: string, extensions: x509.Extension[]): Promise<CertificatePair> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...this.#validity,
      serialNumber: serialNumber(),
      subject: [{ CN: [name] }],
      issuer: [{ CN: [this.#name] }],
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
        ...extensions,
      ],
    });
    return pairOf(certificate, keys);
  }
}

function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEYS, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;
}

/** 127 random bits in hex, positive as X.509 wants them. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] & 0x7f) | 0x01;
  return bytes.toString('hex');
}

async function pairOf(
  certificate: x509.X509Certificate,
  { privateKey }: CryptoKeyPair,
): Promise<CertificatePair> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey as webcrypto.CryptoKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}
