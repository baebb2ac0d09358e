import type { ServiceDefinition } from '@grpc/grpc-js';
import { SERVICE_NAME, serviceDefinition } from '../../transport/grpc/proto.ts';

/** The calls of the service, as the .proto spells them. */
export type Method = 'ListModels' | 'GetModelCard' | 'Preprocess' | 'Infer';

/** The party under attack: the messages of a case are those of its peer. */
export type Victim = 'server' | 'client';

/** A message in proto-loader's form. A received message of a stream names its content in `message`. */
export type Message = Record<string, unknown>;

export interface Codec {
  readonly path: string;
  encode(message: Message): Buffer;
  /** Decodes as the victim does; undefined for bytes that are not a message. */
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
