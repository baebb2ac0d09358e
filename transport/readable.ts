import { SphynxError } from '../errors/sphynx-error.ts';

/** Stands for bytes that are no message. */
const UNREADABLE: object = Object.freeze({});

/**
 * `deserialize`, but bytes that are no message give a value that `checkReadable` refuses. If it threw, gRPC would end
 * the call with INTERNAL, as if this side were at fault, and ahead of the messages that came before.
 */
export function reading(deserialize: (bytes: Buffer) => object): (bytes: Buffer) => object {
  return (bytes) => {
    try {
      return deserialize(bytes);
    } catch {
      return UNREADABLE;
    }
  };
}

/** A message from the peer. Throws 'protocol/format' for what was none. */
export function checkReadable<Message>(message: Message): Message {
  if (message === UNREADABLE)
    throw new SphynxError(
      'protocol/format',
      'the other side sent bytes that are not a message of this protocol: is it another program, or another version?',
    );
  return message;
}
