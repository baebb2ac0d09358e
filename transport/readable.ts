import { SphynxError } from '../errors/sphynx-error.ts';

/** Represents bytes that are not a message. */
const UNREADABLE: object = Object.freeze({});

/**
 * Wraps `deserialize`: for bytes that are not a message it returns a value that `checkReadable` refuses. If it threw,
 * gRPC would end the call with INTERNAL, as if this side were at fault, and before earlier messages are read.
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

/** Returns a message from the peer. Throws 'protocol/format' if the bytes were not a message. */
export function checkReadable<Message>(message: Message): Message {
  if (message === UNREADABLE)
    throw new SphynxError(
      'protocol/format',
      'the other side sent bytes that are not a message of this protocol: is it another program, or another version?',
    );
  return message;
}
