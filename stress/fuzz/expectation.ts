import type { SphynxErrorCode } from '../../errors/sphynx-error.ts';
import { MESSAGE_BYTES } from '../../transport/limits.ts';
import type { Case } from './cases.ts';
import { codecOf, contentOf, type Message, type Victim } from './codec.ts';
import { cutCode } from './cut-status.ts';
import type { FrameFault } from './frame-fault.ts';
import { placeholdersIn } from './placeholders.ts';
import { TransferJudge } from './transfer-judge.ts';
import { streamVerdict, unaryVerdict } from './verdict.ts';

/** The expected outcome of a case. */
export interface Expectation {
  /** Whether the call may succeed: the victim cannot detect a fault before it has its result. */
  readonly mayPass: boolean;
  /** Codes with which it may be refused. */
  readonly codes: ReadonlySet<SphynxErrorCode>;
  /** Messages of the case before the first that must be refused. */
  readonly reached: number;
  /** Whether the attacker ends the call when a message of its own is due. */
  readonly endsEarly: boolean;
}

/** Derives the expected outcome from the honest dialogue and the .proto's rules, without the victim's code. */
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
  // A message read as a status may mean anything: success, or an unknown code.
  return what === 'status' ? ['protocol/format', 'protocol/closed', 'internal'] : ['protocol/format'];
}

/** The same for the messages only. */
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
  const { plan, delta } = dialogue.transfers;
  const transfers = new TransferJudge(plan, delta);
  let more = false;
  let doomed = false;
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
    // In a wrong position an id may be read as numbers: then its digits, which differ between runs, decide.
    const wherever: SphynxErrorCode[] =
      placeholdersIn(bytes).length > 0 ? ['protocol/format', 'protocol/order'] : [];
    if (message === undefined) {
      for (const code of wherever) codes.add(code);
      return refused(i, 'protocol/format');
    }
    // A page's decoder is stricter than gRPC's: it refuses text that is not UTF-8, and numbers that do not fit.
    if (
      edge === 'web' &&
      dialogue.victim === 'client' &&
      (!encode(message).equals(bytes) || isOutOfRange(message))
    )
      codes.add('protocol/format');
    const verdict =
      contentOf(expected) === undefined
        ? unaryVerdict(attack, message, expected)
        : streamVerdict(message, expected, offered, limits, transfers);
    for (const code of verdict.codes) codes.add(code);
    if (verdict.codes.includes('protocol/order')) for (const code of wherever) codes.add(code);
    if (verdict.refused === 'later') doomed = true;
    if (verdict.refused === 'surely') return { mayPass: false, codes, reached: i, endsEarly: false };
    const { name, content } = contentOf(message) ?? {};
    if (name === 'hello' && Number(content?.count) > 1) more = true;
    // It asks only for the allowance, and gets it; later messages may be ignored.
    if (name === 'hello' && dialogue.victim === 'server' && Number(content?.count) === 0) {
      for (const code of LATER) codes.add(code);
      return { mayPass: true, codes, reached: i, endsEarly: false };
    }
    if (name === 'offer') offered = content?.bundleId as string;
  }
  // More bundles were announced, so messages after the first one are checked.
  if (more) for (const code of LATER) codes.add(code);
  if (ending === 'silence') codes.add('protocol/deadline');
  return { mayPass: !doomed, codes, reached: dialogue.messages.length, endsEarly: false };
}

/** Whether it contains a number that is negative or beyond 2^53. */
function isOutOfRange(value: unknown): boolean {
  if (typeof value === 'number') return value < 0 || !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return Object.values(value).some(isOutOfRange);
}

const LATER = ['protocol/format', 'protocol/order', 'protocol/length', 'protocol/closed'] as const;
