import { createHash } from 'node:crypto';
import { SphynxError } from '../../errors/sphynx-error.ts';

const SEQUENCE = 0x30;
const VERSION = 0xa0;

/**
 * Returns the identity in a client's certificate: SHA-256 (hex) over the encoded names of issuer and subject (DER; RFC
 * 5280 section 4.1). A renewed certificate with the same names is the same client; a certificate of the same subject
 * from another authority is another client.
 *
 * @param der the whole certificate, whose signature TLS has checked
 * @throws SphynxError 'identity/invalid' if it names nobody
 */
export function certificateSubject(der: Uint8Array): string {
  const [body] = elements(content(Buffer.from(der), SEQUENCE));
  const fields = elements(content(body, SEQUENCE));
  if (fields.length < 6) throw unreadable();
  // The version is left out of certificates of the first one.
  const [, , issuer, , subject] = fields[0][0] === VERSION ? fields.slice(1) : fields;
  if (content(subject, SEQUENCE).length === 0)
    throw new SphynxError(
      'identity/invalid',
      'the client certificate has an empty subject, by which clients are identified; get one with a name',
    );
  return createHash('sha256').update(issuer).update(subject).digest('hex');
}

/** The elements of DER one after another, each with its header. */
function elements(der: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < der.length; ) {
    const { start, length } = measure(der.subarray(at));
    found.push(der.subarray(at, at + start + length));
    at += start + length;
  }
  return found;
}

function content(element: Buffer | undefined, tag: number): Buffer {
  if (element?.[0] !== tag) throw unreadable();
  const { start, length } = measure(element);
  return element.subarray(start, start + length);
}

/** Returns where the content of the first element of `der` starts, and its length (bytes). */
function measure(der: Buffer): { start: number; length: number } {
  const first = der[1] ?? 0xff;
  const digits = first < 0x80 ? 0 : first & 0x7f;
  const start = 2 + digits;
  // A longer length than any certificate has, or one that is left open, which DER forbids.
  if (first === 0x80 || digits > 4 || start > der.length) throw unreadable();
  const length = digits === 0 ? first : der.readUIntBE(2, digits);
  if (start + length > der.length) throw unreadable();
  return { start, length };
}

function unreadable(): SphynxError {
  return new SphynxError('identity/invalid', 'the client certificate is not readable');
}
