import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { CallStatus } from '../../transport/grpc/to-status.ts';
import { CODE_KEY } from '../../transport/status.ts';
import { FRAME, frame } from '../../transport/web/frames.ts';
import { decode } from '../../transport/web/protobuf.ts';
import { CALL_HEADER, CALL_STATUS } from '../../transport/web/schema.ts';
import { faulty } from './frame-fault.ts';
import { type Part, play } from './hostile-call.ts';

const UNARY = ['ListModels', 'GetModelCard'];

/** Like HostileServer, but over WebSocket (web_socket.proto). */
export class HostileWebServer {
  readonly #http: Server = createServer();
  readonly #sockets = new WebSocketServer({ server: this.#http });
  readonly #parts = new Map<string, Part>();

  static async start(): Promise<HostileWebServer> {
    const hostile = new HostileWebServer();
    hostile.#sockets.on('connection', (socket, { url = '' }) =>
      hostile.#serve(socket, url.slice(url.lastIndexOf('/') + 1)),
    );
    hostile.#http.listen(0, '127.0.0.1');
    await once(hostile.#http, 'listening');
    return hostile;
  }

  get address(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** Sets the case for the client with this bearer token. */
  play(token: string, part: Part): void {
    this.#parts.set(`Bearer ${token}`, part);
  }

  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.close();
  }

  #serve(socket: WebSocket, method: string): void {
    socket.on('error', () => {}); // a client that leaves
    socket.once('message', (header: Buffer) => {
      const { authorization } = decode(CALL_HEADER, header.subarray(1)) as Record<string, string>;
      const part = this.#parts.get(authorization) as Part;
      if (UNARY.includes(method)) socket.once('message', () => answer(socket, method, part));
      else talk(socket, part);
    });
  }
}

/** Clients also ask for the models before streams; the list is then empty. */
function answer(socket: WebSocket, method: string, { attack }: Part): void {
  const asked = attack.dialogue.method === method;
  say(socket, asked ? attack : undefined, 0, (asked && attack.messages[0]) || Buffer.alloc(0));
  end(socket);
}

function talk(socket: WebSocket, part: Part): void {
  let said = 0;
  const { hear, hearEnd } = play(part, {
    write: (bytes) => say(socket, part.attack, said++, bytes),
    end: () => end(socket),
    fail: (status) => fail(socket, status),
  });
  socket.on('message', (data: Buffer) => (data[0] === FRAME.end ? hearEnd() : hear()));
}

function say(socket: WebSocket, attack: Part['attack'] | undefined, place: number, bytes: Buffer): void {
  const message = Buffer.concat([Buffer.of(FRAME.message), bytes]);
  const fault = attack?.fault;
  if (fault?.place !== place) socket.send(message);
  else if (fault.what === 'broken header') socket.send(Buffer.alloc(11, 255).fill(FRAME.status, 0, 1));
  else if (fault.what === 'no header') socket.close();
  else socket.send(faulty(fault.what, message));
}

function end(socket: WebSocket): void {
  socket.send(frame(FRAME.status, CALL_STATUS, { code: '', message: '', retryAfterMs: 0 }));
  socket.close();
}

/** A status without a code of ours cannot be sent here: the connection breaks. */
function fail(socket: WebSocket, { metadata, details }: CallStatus): void {
  const [code] = metadata.get(CODE_KEY);
  if (code !== undefined)
    socket.send(frame(FRAME.status, CALL_STATUS, { code, message: details, retryAfterMs: 99_999_999 }));
  socket.close();
}
