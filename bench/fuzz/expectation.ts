import { PUBLIC_KEY_BYTES } from '../../crypto/he/parameters.ts';
import type { SphynxErrorCode } from '../../errors/sphynx-error.ts';
import { parseModelCard } from '../../model/card.ts';
import { SEGMENT_BYTES, SEGMENT_KINDS } from '../../protocol/segment.ts';
import { LOST_BUNDLES, MESSAGE_BYTES } from '../../transport/limits.ts';
import type { WireSegment } from '../../transport/messages.ts';
import type { Case } from './cases.ts';
import { codecOf, contentOf, type Message, type Victim } from './codec.ts';
import { cutCode } from './cut-status.ts';
import type { FrameFault } from './frame-fault.ts';
import { PLACEHOLDERS, placeholdersIn } from './placeholders.ts';

/** What must become of a case. */
export interface Expectation {
  /** Whether the call may end well: nothing is wrong that the victim can see before it has what it wants. */
  readonly mayPass: boolean;
  /** Codes with which it may be refused. */
  readonly codes: ReadonlySet<SphynxErrorCode>;
  /** Messages of the case before the first that must be refused. */
  readonly reached: number;
  /** The attacker ends the call where a message of its is due. */
  readonly endsEarly: boolean;
}

/** Why a message is refused: for sure, or perhaps, because only its sender could tell. */
interface Verdict {
  readonly surely: boolean;
  readonly codes: readonly SphynxErrorCode[];
}

const FINE: Verdict = { surely: false, codes: [] };
const surely = (...codes: SphynxErrorCode[]): Verdict => ({ surely: true, codes });
const perhaps = (...codes: SphynxErrorCode[]): Verdict => ({ surely: false, codes });

/** Derives what must happen from the honest dialogue and the .proto's rules, without the victim's code. */
export function expectationOf(attack: Case, limits: { bundlesPerStream: number }): Expectation {
  const expected = messagesExpectation(attack, limits);
  const { fault } = attack;
  if (!fault) return expected;
  // A wrong frame is refused when it arrives, whatever else is still unread.
  const codes = new Set([...expected.codes, ...faultCodes(attack.dialogue.victim, fault)]);
  return { mayPass: false, codes, reached: Math.min(expected.reached, fault.place), endsEarly: false };
}

function faultCodes(victim: Victim, { what }: FrameFault): readonly SphynxErrorCode[] {
  if (victim === 'server') return [what === 'broken header' ? 'protocol/format' : 'protocol/order'];
  if (what === 'no header') return ['protocol/closed'];
  // A message in a status may mean anything: that all is well, or a code that nobody knows.
  return what === 'status' ? ['protocol/format', 'protocol/closed', 'internal'] : ['protocol/format'];
}

function messagesExpectation(attack: Case, limits: { bundlesPerStream: number }): Expectation {
  const { dialogue, messages, ending, token, edge } = attack;
  const codes = new Set<SphynxErrorCode>();
  // gRPC refuses a message that is too long when it arrives, whatever else is still unread.
  if (messages.some((bytes) => bytes.length > MESSAGE_BYTES)) codes.add('protocol/length');
  if (ending === 'cut') codes.add(dialogue.victim === 'server' ? 'protocol/closed' : cutCode(attack));
  const refused = (reached: number, code: SphynxErrorCode, endsEarly = false): Expectation => {
    return { mayPass: false, codes: codes.add(code), reached, endsEarly };
  };
  if (token !== 'right')
    return refused(0, token === 'double' && edge === 'web' ? 'protocol/order' : 'config/invalid');
  const { encode, decode } = codecOf(dialogue.victim, dialogue.method);
  let more = false;
  let offered: string | undefined;
  for (const [i, honest] of dialogue.messages.entries()) {
    const bytes = messages[i];
    const expected = decode(honest) as Message;
    if (bytes === undefined) {
      // A client may stop before a bundle that it has announced.
      const stops = dialogue.victim === 'server' && contentOf(expected)?.name === 'begin';
      if (ending === 'silence') return refused(i, 'protocol/deadline');
      if (stops && ending === 'orderly') return { mayPass: true, codes, reached: i, endsEarly: true };
      return refused(i, 'protocol/closed', true);
    }
    if (bytes.length > MESSAGE_BYTES) return refused(i, 'protocol/length');
    const message = decode(bytes);
    // Where it does not belong, an id may be read as numbers: then its digits, which differ from run to run, decide.
    const wherever: SphynxErrorCode[] =
      placeholdersIn(bytes).length > 0 ? ['protocol/format', 'protocol/order'] : [];
    if (message === undefined) {
      for (const code of wherever) codes.add(code);
      return refused(i, 'protocol/format');
    }
    // A page's decoder is stricter than gRPC's: it takes no text that is not UTF-8, and no number that does not fit.
    if (
      edge === 'web' &&
      dialogue.victim === 'client' &&
      (!encode(message).equals(bytes) || isOutOfRange(message))
    )
      codes.add('protocol/format');
    const verdict =
      contentOf(expected) === undefined
        ? unaryVerdict(attack, message, expected)
        : streamVerdict(message, expected, offered, limits);
    for (const code of verdict.codes) codes.add(code);
    if (verdict.codes.includes('protocol/order')) for (const code of wherever) codes.add(code);
    if (verdict.surely) return { mayPass: false, codes, reached: i, endsEarly: false };
    const { name, content } = contentOf(message) ?? {};
    if (name === 'hello' && Number(content?.count) > 1) more = true;
    if (name === 'offer') offered = content?.bundleId as string;
  }
  // More bundles were announced: what follows the first one is looked at.
  if (more) for (const code of LATER) codes.add(code);
  if (ending === 'silence') codes.add('protocol/deadline');
  return { mayPass: true, codes, reached: dialogue.messages.length, endsEarly: false };
}

/** Whether a number somewhere in it is negative, or beyond 2^53. */
function isOutOfRange(value: unknown): boolean {
  if (typeof value === 'number') return value < 0 || !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return Object.values(value).some(isOutOfRange);
}

const LATER = ['protocol/format', 'protocol/order', 'protocol/length', 'protocol/closed'] as const;

function streamVerdict(
  message: Message,
  honest: Message,
  offered: string | undefined,
  limits: { bundlesPerStream: number },
): Verdict {
  const is = contentOf(message);
  const should = contentOf(honest) as { name: string; content: Message };
  if (is?.name !== should.name) return surely('protocol/order');
  const { content } = is;
  switch (is.name) {
    case 'segment':
      return segmentVerdict(content as unknown as WireSegment, should.content as unknown as WireSegment);
    case 'hello': {
      const refusal = modelRefusal(content, should.content);
      if (refusal) return surely(refusal);
      const count = Number(content.count);
      if (count < 1 || count > limits.bundlesPerStream) return surely('config/invalid');
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

function segmentVerdict(is: WireSegment, should: WireSegment): Verdict {
  if (is.kind < 1 || is.kind > SEGMENT_KINDS.length) return surely('protocol/order');
  if (!Number.isSafeInteger(is.offset)) return surely('protocol/length');
  if (is.data.length < 1 || is.data.length > SEGMENT_BYTES) return surely('protocol/length');
  if (is.kind !== should.kind || is.layer !== should.layer || is.offset !== should.offset)
    return surely('protocol/order');
  if (is.data.length !== should.data.length) return surely('protocol/length');
  return contentVerdict(SEGMENT_KINDS[is.kind - 1], is.data, should.data);
}

/**
 * What is wrong with data of the right length. In the semi-honest model most of it cannot be told from honest data: it
 * gives its sender a useless bundle.
 */
function contentVerdict(kind: (typeof SEGMENT_KINDS)[number], data: Uint8Array, honest: Uint8Array): Verdict {
  if (Buffer.compare(data, honest) === 0) return FINE;
  switch (kind) {
    case 'public-key':
    case 'input-ciphertexts':
      return data.subarray(0, PUBLIC_KEY_BYTES).every((byte) => byte === 255)
        ? surely('crypto/parameters')
        : perhaps('crypto/parameters');
    case 'base-ot-message':
    case 'base-ot-reply':
      return data.every((byte) => byte === 0 || byte === 255)
        ? surely('crypto/input')
        : perhaps('crypto/input');
    case 'output-ciphertexts':
      return perhaps('crypto/parameters');
    case 'server-labels':
      // Those of the argmax may open to the index of no class.
      return perhaps('crypto/input');
    default:
      return FINE;
  }
}

function unaryVerdict({ dialogue }: Case, message: Message, honest: Message): Verdict {
  if (dialogue.victim === 'server')
    return dialogue.method === 'ListModels' || message.model === honest.model
      ? FINE
      : surely('model/unknown');
  if (dialogue.method === 'ListModels') return perhaps('model/format');
  return sameCard(message, honest)
    ? FINE
    : surely('model/format', 'model/mismatch', 'model/unsupported', 'crypto/parameters');
}

/** Whether a card's answer means the same as the honest one, in other words. */
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
