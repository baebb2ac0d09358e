import type { ServiceDefinition } from '@grpc/grpc-js';
import { SERVICE_NAME, serviceDefinition } from '../../transport/grpc/proto.ts';

/** The calls of the service, as the .proto spells them. */
export type Method = 'ListModels' | 'GetModelCard' | 'Preprocess' | 'Infer';

/** Who is under attack: the messages of a case are its peer's. */
export type Victim = 'server' | 'client';

/** A message as proto-loader takes and gives it. A received one of a stream names its content in `message`. */
export type Message = Record<string, unknown>;

export interface Codec {
  readonly path: string;
  encode(message: Message): Buffer;
  /** As the victim reads it; undefined for bytes that are no message. */
  decode(bytes: Buffer): Message | undefined;
}

/** The messages that `victim` receives in a call of `method`. */
export function codecOf(victim: Victim, method: Method): Codec {
  const definition = (serviceDefinition[SERVICE_NAME] as ServiceDefinition)[method];
  const [encode, decode] =
    victim === 'server'
      ? [definition.requestSerialize, definition.requestDeserialize]
      : [definition.responseSerialize, definition.responseDeserialize];
  return {
    path: definition.path,
    encode,
    decode(bytes) {
      try {
        return decode(bytes) as Message;
      } catch {
        return undefined;
      }
    },
  };
}

/** Name and content of a stream's message; undefined for an empty one. */
export function contentOf(message: Message): { name: string; content: Message } | undefined {
  const { message: name } = message;
  const content = typeof name === 'string' ? message[name] : undefined;
  return content ? { name: name as string, content: content as Message } : undefined;
}
