import { createHash } from 'node:crypto';
import { SphynxError } from '../../errors/sphynx-error.ts';

const SEQUENCE = 0x30;
const VERSION = 0xa0;

/**
 * What a client's certificate stands for: SHA-256 (hex) over its issuer's and its own name as they are encoded
 * (DER; RFC 5280 section 4.1). A renewed certificate of the same names is the same client; another authority's
 * certificate of the same subject is another one.
 *
 * @param der the whole certificate, whose signature TLS has checked
 * @throws SphynxError 'identity/invalid' if it names nobody
 */
export function certificateSubject(der: Uint8Array): string {
  const [body] = elements(content(Buffer.from(der), SEQUENCE));
  const fields = elements(content(body, SEQUENCE));
  // The version is left out of certificates of the first one.
  const [, , issuer, , subject] = fields[0][0] === VERSION ? fields.slice(1) : fields;
  if (content(subject, SEQUENCE).length === 0)
    throw new SphynxError(
      'identity/invalid',
      'the client certificate has an empty subject, and clients are known by theirs; have one issued with a name',
    );
  return createHash('sha256').update(issuer).update(subject).digest('hex');
}

/** The elements of DER one after another, each with its header. */
function elements(der: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < der.length; ) {
    const end = at + header(der.subarray(at)) + lengthOf(der.subarray(at));
    found.push(der.subarray(at, end));
    at = end;
  }
  return found;
}

function content(element: Buffer, tag: number): Buffer {
  if (element?.[0] !== tag) throw unreadable();
  const start = header(element);
  return element.subarray(start, start + lengthOf(element));
}

/** Bytes of tag and length. */
function header(element: Buffer): number {
  return element[1] < 0x80 ? 2 : 2 + (element[1] & 0x7f);
}

function lengthOf(element: Buffer): number {
  const digits = header(element) - 2;
  const length = digits === 0 ? element[1] : element.readUIntBE(2, digits);
  if (digits > 4 || header(element) + length > element.length) throw unreadable();
  return length;
}

function unreadable(): SphynxError {
  return new SphynxError('identity/invalid', 'the client certificate is not readable');
}
