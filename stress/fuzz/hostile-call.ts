import type { CallStatus } from '../../transport/grpc/to-status.ts';
import type { Case } from './cases.ts';
import { cutStatus } from './cut-status.ts';
import type { Expectation } from './expectation.ts';

/** A case for a client, and its expected outcome. */
export interface Part {
  readonly attack: Case;
  readonly expected: Expectation;
}

/** The hostile server's end of a stream, over gRPC or WebSocket. */
export interface HostileCall {
  /** Sends bytes as a message of the call, whatever they are. */
  write(bytes: Buffer): void;
  /** Ends the call with success. */
  end(): void;
  /** Ends the call with a failure. */
  fail(status: CallStatus): void;
}

/** Plays a case on one stream. Must be notified of each message of the client, and of its end. */
export function play(
  { attack, expected }: Part,
  call: HostileCall,
): { readonly hear: () => void; readonly hearEnd: () => void } {
  const { messages, ending, dialogue } = attack;
  let heard = 0;
  let said = 0;
  let silent = false;
  // Follows the honest order up to the message that must be refused; later messages are sent at once.
  const due = () => said > expected.reached || heard >= (dialogue.repliesTo[said] ?? 0);
  const hear = () => {
    heard++;
    while (said < messages.length && due()) call.write(messages[said++]);
    if (said < messages.length || silent) return;
    if (ending === 'cut') call.fail(cutStatus(attack));
    else if (ending === 'orderly' && expected.endsEarly) call.end();
    else return;
    silent = true;
  };
  const hearEnd = () => {
    if (ending === 'orderly' && !silent) call.end();
  };
  return { hear, hearEnd };
}
