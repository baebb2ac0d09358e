import { Client, credentials, Metadata, status as Status, type StatusObject } from '@grpc/grpc-js';
import { CLIENT_KEY } from '../../transport/client-token.ts';
import { CLIENT_CHANNEL_OPTIONS } from '../../transport/grpc/channel-options.ts';
import { fromStatus } from '../../transport/status.ts';
import { Answers, type AttackCall } from './answers.ts';
import type { TokenKind } from './cases.ts';
import { codecOf, type Method } from './codec.ts';

const same = (bytes: Buffer) => bytes;

/** An attacker's connection to a gRPC port, for any number of calls. */
export class GrpcAttack {
  readonly #client: Client;

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      ...CLIENT_CHANNEL_OPTIONS,
      'grpc.max_send_message_length': -1,
      'grpc.max_receive_message_length': -1,
    });
  }

  call(method: Method, token: string, kind: TokenKind): AttackCall {
    const { path } = codecOf('server', method);
    const call = this.#client.makeBidiStreamRequest(path, same, same, metadataFor(kind, token));
    const answers = new Answers(method);
    call.on('data', (bytes: Buffer) => answers.take(bytes));
    call.on('error', () => {}); // its status has the same information
    call.on('status', (status: StatusObject) =>
      answers.close(status.code === Status.OK ? undefined : fromStatus(status)),
    );
    return {
      answers,
      write: (bytes) => call.write(bytes),
      end: () => call.end(),
      cut: () => call.cancel(),
    };
  }

  close(): void {
    this.#client.close();
  }
}

function metadataFor(kind: TokenKind, token: string): Metadata {
  const metadata = new Metadata();
  if (kind === 'right' || kind === 'double') metadata.set(CLIENT_KEY, token);
  if (kind === 'double') metadata.add(CLIENT_KEY, token);
  if (kind === 'malformed') metadata.set(CLIENT_KEY, malformed(token));
  return metadata;
}

/** Returns the token with an invalid character. */
export function malformed(token: string): string {
  return token.toUpperCase().replace(/^./, 'G');
}
