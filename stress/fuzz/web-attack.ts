import { WebSocket } from 'ws';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { CODE_KEY, fromStatus } from '../../transport/status.ts';
import { FRAME, frame, SUBPROTOCOL } from '../../transport/web/frames.ts';
import { decode } from '../../transport/web/protobuf.ts';
import { CALL_HEADER, CALL_STATUS } from '../../transport/web/schema.ts';
import { Answers, type AttackCall } from './answers.ts';
import type { TokenKind } from './cases.ts';
import { codecOf, type Method } from './codec.ts';
import { type FrameFault, faulty } from './frame-fault.ts';
import { malformed } from './grpc-attack.ts';

/** RFC 6455, section 7.4.1: a frame was larger than the server accepts. */
const TOO_BIG = 1009;

/** One call of an attacker over its own WebSocket (web_socket.proto). */
export class WebAttackCall implements AttackCall {
  readonly answers: Answers;
  readonly #socket: WebSocket;
  readonly #fault: FrameFault | undefined;
  readonly #open: Promise<unknown>;
  #messages = 0;

  constructor(port: number, method: Method, token: string, kind: TokenKind, fault?: FrameFault) {
    const { path } = codecOf('server', method);
    this.#fault = fault;
    this.answers = new Answers(method);
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, SUBPROTOCOL);
    this.#open = new Promise((resolve) => this.#socket.once('open', resolve));
    this.#socket.on('message', (data) => this.#receive(data as Buffer));
    this.#socket.on('error', () => {}); // its end has the same information
    this.#socket.on('close', (code) =>
      this.answers.close(
        code === TOO_BIG
          ? new SphynxError('protocol/length', 'a frame was larger than allowed')
          : new SphynxError('protocol/closed', 'the connection broke'),
      ),
    );
    const client = { right: token, double: token, missing: '', malformed: malformed(token) }[kind];
    const header = frame(FRAME.header, CALL_HEADER, { client, authorization: '' });
    if (fault?.what === 'broken header') this.#send(Buffer.alloc(11, 255).fill(FRAME.header, 0, 1));
    else if (fault?.what !== 'no header') this.#send(header);
    if (kind === 'double') this.#send(header);
  }

  write(bytes: Buffer): void {
    const message = Buffer.concat([Buffer.of(FRAME.message), bytes]);
    this.#send(this.#fault?.place === this.#messages ? faulty(this.#fault.what, message) : message);
    this.#messages++;
  }

  end(): void {
    this.#send(Buffer.of(FRAME.end));
  }

  cut(): void {
    this.#socket.terminate();
  }

  async #send(data: Uint8Array | string): Promise<void> {
    await this.#open;
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  #receive(data: Buffer): void {
    const [kind, content] = [data[0], data.subarray(1)];
    if (kind === FRAME.message) {
      this.answers.take(Buffer.from(content));
      return;
    }
    const { code, message } = decode(CALL_STATUS, content) as Record<string, string>;
    const metadata = { get: (key: string) => (key === CODE_KEY ? [code] : []) };
    this.answers.close(
      code === '' ? undefined : fromStatus({ code: 2, details: message, metadata } as never),
    );
  }
}
