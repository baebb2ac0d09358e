import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  STATUS_CODES,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ServerCredentials, UntypedServiceImplementation } from '@grpc/grpc-js';
import { type WebSocket, WebSocketServer } from 'ws';
import { asSphynxError, SphynxError } from '../../errors/sphynx-error.ts';
import { privateInferenceService, SERVICE_NAME } from '../../transport/grpc/proto.ts';
import { type CallStatus, toStatus } from '../../transport/grpc/to-status.ts';
import { MESSAGE_BYTES } from '../../transport/limits.ts';
import { SUBPROTOCOL } from '../../transport/web/frames.ts';
import type { Access } from '../identity/access.ts';
import { HANDSHAKE_MS } from '../limits.ts';
import { checkOrigins, mayCall, ownOrigin } from './origins.ts';
import { Page, refuse as refuseRequest } from './page.ts';
import { type Codec, peerOf, WebCall } from './web-call.ts';

/** Options for serving browsers. */
export interface WebOptions {
  /** `HOST:PORT`; port 0 takes any free one. */
  readonly address: string;
  /** Origins of pages that may call besides those from this address itself. */
  readonly origins?: readonly string[];
  /** Folder of a built page to serve there (PAGE_FOLDER has ours); none unless given. */
  readonly page?: string;
}

export interface WebListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Longest origin in the log (characters). */
const ORIGIN_LENGTH = 200;

/** Handles a call of the service. */
type Handler = (call: WebCall, answer?: (failure: unknown, response?: unknown) => void) => void;

/**
 * Serves the calls of `implementation`, the same object that gRPC serves, over WebSocket (web_socket.proto), with the
 * TLS of gRPC's credentials. Also serves the page, if there is one. Throws 'config/invalid'.
 *
 * @param onRefused called for every page that is not allowed, with its origin and the address of the caller
 */
export async function serveWebSockets(
  { address, origins = [], page: folder }: WebOptions,
  implementation: UntypedServiceImplementation,
  { credentials }: Pick<Access, 'credentials'>,
  onRefused: (origin: string, peer: string) => void = () => {},
): Promise<WebListener> {
  checkOrigins(origins);
  const page = folder === undefined ? undefined : new Page(folder);
  const server = httpServer(credentials, (request, response) =>
    page ? page.answer(request, response) : refuseRequest(response, 404),
  );
  const sockets = new WebSocketServer({
    noServer: true,
    // The byte in front of a message.
    maxPayload: MESSAGE_BYTES + 1,
    perMessageDeflate: false,
    handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
  });
  server.on('upgrade', (request, socket, head) => {
    // Node has removed its own listener; a connection that is reset would end the process.
    socket.on('error', () => socket.destroy());
    const name = methodOf(request.url);
    const own = ownOrigin(request.socket instanceof TLSSocket, request.headers.host);
    if (name === undefined) return refuse(socket, 404);
    const { origin } = request.headers;
    if (!mayCall(origin, own, origins)) {
      onRefused(printable(origin as string), peerOf(request.socket));
      return refuse(socket, 403);
    }
    sockets.handleUpgrade(request, socket, head, (web) => {
      serve(
        web,
        request,
        name,
        implementation[privateInferenceService[name].originalName as string] as unknown as Handler,
      );
    });
  });
  const port = await listen(server, address);
  return {
    port,
    async close() {
      server.close();
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
    },
  };
}

/** Follows the credentials when their files change. */
function httpServer(credentials: ServerCredentials, answer: RequestListener): Server {
  const limits = { requestTimeout: HANDSHAKE_MS, headersTimeout: HANDSHAKE_MS };
  if (!credentials._isSecure()) return createServer(limits, answer);
  const context = credentials._getSecureContextOptions() ?? {};
  const server = createTlsServer(
    { ...limits, ...credentials._getConstructorOptions(), ...context, ALPNProtocols: ['http/1.1'] },
    answer,
  );
  credentials._addWatcher((changed) => changed && server.setSecureContext(changed));
  return server;
}

async function listen(server: Server, address: string): Promise<number> {
  const split = address.lastIndexOf(':');
  server.listen(Number(address.slice(split + 1)), address.slice(0, split).replace(/^\[|\]$/g, ''));
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new SphynxError('config/invalid', `cannot listen on ${address}: is the port in use?`, { cause });
  }
  return (server.address() as AddressInfo).port;
}

/** The name of the call that a path asks for; undefined if there is none. */
function methodOf(path = ''): string | undefined {
  return Object.keys(privateInferenceService).find(
    (name) => privateInferenceService[name].path === path && path.startsWith(`/${SERVICE_NAME}/`),
  );
}

/** Returns a header in a form that is safe to log. */
function printable(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').slice(0, ORIGIN_LENGTH);
}

function refuse(socket: Duplex, status: 403 | 404): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Passes a call to the service as soon as its header has arrived. */
function serve(web: WebSocket, request: IncomingMessage, name: string, handle: Handler): void {
  const method = privateInferenceService[name];
  const call = new WebCall(web, request.socket, method as unknown as Codec, () => {
    if (!method.requestStream) answerOnce(call, handle);
    else {
      // From here on the stream has its own deadlines.
      clearTimeout(timer);
      handle(call);
    }
  });
  web.once('close', () => clearTimeout(timer));
  const timer = setTimeout(
    () =>
      call.emit(
        'error',
        toStatus(new SphynxError('protocol/deadline', 'the call or its request did not come in time')),
      ),
    HANDSHAKE_MS,
  );
}

/** A call of one request and one response. */
async function answerOnce(call: WebCall, handle: Handler): Promise<void> {
  try {
    const request = await call.only();
    handle(Object.assign(call, { request }), (failure, response) => {
      if (failure) call.emit('error', failure as CallStatus);
      else call.write(response, () => call.end());
    });
  } catch (error) {
    call.emit('error', toStatus(asSphynxError(error)));
  }
}
