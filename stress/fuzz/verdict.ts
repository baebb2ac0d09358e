import { INPUT_CIPHERTEXT_BYTES, PUBLIC_KEY_BYTES } from '../../crypto/he/parameters.ts';
import type { SphynxErrorCode } from '../../errors/sphynx-error.ts';
import { parseModelCard } from '../../model/card.ts';
import { SEGMENT_BYTES, SEGMENT_KINDS } from '../../protocol/segment.ts';
import { LOST_BUNDLES } from '../../transport/limits.ts';
import type { WireSegment } from '../../transport/messages.ts';
import type { Case } from './cases.ts';
import { contentOf, type Message } from './codec.ts';
import { PLACEHOLDERS } from './placeholders.ts';
import { hasWordBeyondPrime } from './residues.ts';
import type { TransferJudge } from './transfer-judge.ts';

/**
 * Why a message is refused: certainly; possibly, because only its sender could tell; or certainly but later, after
 * subsequent messages.
 */
export interface Verdict {
  readonly refused: 'surely' | 'later' | 'perhaps';
  readonly codes: readonly SphynxErrorCode[];
}

const surely = (...codes: SphynxErrorCode[]): Verdict => ({ refused: 'surely', codes });
const later = (...codes: SphynxErrorCode[]): Verdict => ({ refused: 'later', codes });
const perhaps = (...codes: SphynxErrorCode[]): Verdict => ({ refused: 'perhaps', codes });
const FINE: Verdict = perhaps();

/**
 * Returns what is wrong with a message that replaces an honest one of a stream. `offered`: the id that the server
 * named; `transfers`: judges the client's transfers in the order of their arrival.
 */
export function streamVerdict(
  message: Message,
  honest: Message,
  offered: string | undefined,
  limits: { bundlesPerStream: number },
  transfers: TransferJudge,
): Verdict {
  const is = contentOf(message);
  const should = contentOf(honest) as { name: string; content: Message };
  if (is?.name !== should.name) return surely('protocol/order');
  const { content } = is;
  switch (is.name) {
    case 'segment':
      return segmentVerdict(
        content as unknown as WireSegment,
        should.content as unknown as WireSegment,
        transfers,
      );
    case 'hello': {
      const refusal = modelRefusal(content, should.content);
      if (refusal) return surely(refusal);
      const count = Number(content.count);
      if (count > limits.bundlesPerStream) return surely('config/invalid');
      return (content.lost as unknown[]).length > LOST_BUNDLES ? surely('protocol/length') : FINE;
    }
    case 'spend': {
      const refusal = modelRefusal(content, should.content) ?? bundleRefusal(content.bundleId);
      return refusal ? surely(refusal) : FINE;
    }
    case 'offer':
      return /^[0-9a-f]{32,64}$/.test(content.bundleId as string) ? FINE : surely('protocol/length');
    case 'commit':
    case 'ready':
      return content.bundleId === (offered ?? should.content.bundleId) ? FINE : surely('protocol/order');
    default:
      return FINE;
  }
}

function modelRefusal(content: Message, honest: Message): SphynxErrorCode | undefined {
  if (content.model !== honest.model) return 'model/unknown';
  const same = content.modelHash === honest.modelHash && content.planHash === honest.planHash;
  return same ? undefined : 'model/mismatch';
}

function bundleRefusal(id: unknown): SphynxErrorCode | undefined {
  if (id === PLACEHOLDERS.own) return undefined;
  if (id === PLACEHOLDERS.spent) return 'bundle/spent';
  return id === PLACEHOLDERS.otherModel ? 'model/mismatch' : 'bundle/unknown';
}

function segmentVerdict(is: WireSegment, should: WireSegment, transfers: TransferJudge): Verdict {
  if (is.kind < 1 || is.kind > SEGMENT_KINDS.length) return surely('protocol/order');
  if (!Number.isSafeInteger(is.offset)) return surely('protocol/length');
  if (is.data.length < 1 || is.data.length > SEGMENT_BYTES) return surely('protocol/length');
  if (is.kind !== should.kind || is.layer !== should.layer || is.offset !== should.offset)
    return surely('protocol/order');
  if (is.data.length !== should.data.length) return surely('protocol/length');
  const kind = SEGMENT_KINDS[is.kind - 1];
  return transferVerdict(kind, is, should.data, transfers) ?? contentVerdict(kind, is.data, should.data);
}

/** Returns what is wrong with a client's oblivious transfers; undefined for everything else. */
function transferVerdict(
  kind: (typeof SEGMENT_KINDS)[number],
  { layer, offset, data }: WireSegment,
  honest: Uint8Array,
  transfers: TransferJudge,
): Verdict | undefined {
  switch (kind) {
    case 'ot-trees':
      return transfers.refusesTrees(data, honest) ? surely('protocol/inconsistent') : FINE;
    case 'ot-matrix':
      transfers.takeMatrix({ layer, offset, data, honest });
      return FINE;
    case 'ot-proof':
      return transfers.refusesProof(layer, data, honest) ? surely('protocol/inconsistent') : FINE;
    default:
      return undefined;
  }
}

/**
 * Returns what is wrong with data of the right length. Most of it cannot be distinguished from honest data and gives
 * its sender a useless bundle.
 */
function contentVerdict(kind: (typeof SEGMENT_KINDS)[number], data: Uint8Array, honest: Uint8Array): Verdict {
  if (Buffer.compare(data, honest) === 0) return FINE;
  switch (kind) {
    case 'public-key':
      return hasWordBeyondPrime(data) ? surely('crypto/parameters') : FINE;
    case 'input-ciphertexts':
      // A tensor is read when it is complete, so a single one of several segments is not checked.
      if (data.length % INPUT_CIPHERTEXT_BYTES !== 0) return perhaps('crypto/parameters');
      for (let start = 0; start < data.length; start += INPUT_CIPHERTEXT_BYTES)
        if (hasWordBeyondPrime(data.subarray(start, start + PUBLIC_KEY_BYTES)))
          return surely('crypto/parameters');
      return FINE;
    case 'base-ot-message':
      return isNoPoint(data) ? surely('crypto/input') : perhaps('crypto/input');
    case 'base-ot-reply':
      // Checked when the first labels are requested.
      return isNoPoint(data) ? later('crypto/input') : perhaps('crypto/input');
    case 'server-labels':
      // Tables of the argmax may open to an invalid index.
      return perhaps('crypto/input');
    default:
      return FINE;
  }
}

function isNoPoint(data: Uint8Array): boolean {
  return data.every((byte) => byte === 0 || byte === 255);
}

/** Returns what is wrong with the message of a unary call. */
export function unaryVerdict({ dialogue }: Case, message: Message, honest: Message): Verdict {
  if (dialogue.victim === 'server')
    return dialogue.method === 'ListModels' || message.model === honest.model
      ? FINE
      : surely('model/unknown');
  if (dialogue.method === 'ListModels') return perhaps('model/format');
  return sameCard(message, honest)
    ? FINE
    : surely('model/format', 'model/mismatch', 'model/unsupported', 'crypto/parameters');
}

/** Whether a card's answer is equivalent to the honest one. */
function sameCard(message: Message, honest: Message): boolean {
  const fields = ['modelHash', 'planHash', 'setting'].every((name) => message[name] === honest[name]);
  if (!fields) return false;
  const meaning = (answer: Message) => JSON.stringify(parseModelCard(JSON.parse(answer.cardJson as string)));
  try {
    return meaning(message) === meaning(honest);
  } catch {
    return false;
  }
}
