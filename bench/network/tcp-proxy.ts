import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { NetworkProfile } from '../../transport/network-profiles.ts';
import { Link } from './link.ts';

/**
 * Bytes travel in pieces that a link sends in this time (ms), so that the first bytes of a message do not wait for its
 * last.
 */
const PIECE_MS = 0.25;
const MOST_PIECE_BYTES = 65536;

/** Data in flight in one direction above which its sender is throttled (bytes), besides the data in the link itself. */
const QUEUE_BYTES = 2 ** 20;

/** Timers fire up to two milliseconds late, so shorter waits spin the event loop. */
const TIMER_MS = 2.5;

/** Overhead of the proxy per message, each way (ms). */
const OWN_MS = 0.07;

/**
 * A TCP proxy that delays and paces both directions, all connections sharing one link each way. It replaces the
 * kernel's network emulation if there is none; run it in a separate process.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts on a free loopback port. */
  static async start(targetPort: number, profile: NetworkProfile): Promise<TcpProxy> {
    const delayMs = Math.max(0, profile.rttMs / 2 - OWN_MS);
    const up = direction(profile.upRate, delayMs);
    const down = direction(profile.downRate, delayMs);
    const server = createServer((client) => {
      const target = connect({ host: '127.0.0.1', port: targetPort });
      for (const socket of [client, target]) {
        socket.setNoDelay(true);
        proxy.#sockets.add(socket);
        socket.on('close', () => proxy.#sockets.delete(socket));
        socket.on('error', () => socket.destroy());
      }
      carry(client, target, up);
      carry(target, client, down);
    });
    const proxy = new TcpProxy(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts all connections. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

interface Direction {
  readonly link: Link;
  readonly pieceBytes: number;
  /** Bytes in flight above which the sender is throttled. */
  readonly room: number;
}

function direction(rate: number, delayMs: number): Direction {
  const bytesPerMs = rate / 8000;
  return {
    link: new Link(rate, delayMs),
    pieceBytes: Math.ceil(Math.min(MOST_PIECE_BYTES, Math.max(1500, PIECE_MS * bytesPerMs))),
    room: QUEUE_BYTES + 2 * delayMs * bytesPerMs,
  };
}

interface Piece {
  readonly data: Uint8Array;
  readonly due: number;
}

/** Moves the data that `from` sends, and its end, to `to` over the link. */
function carry(from: Socket, to: Socket, { link, pieceBytes, room }: Direction): void {
  const pieces: Piece[] = [];
  let queued = 0;
  let ended = false;
  let waiting = false;
  const deliver = () => {
    waiting = false;
    const now = performance.now();
    while (pieces.length > 0 && pieces[0].due <= now) {
      const { data } = pieces.shift() as Piece;
      queued -= data.length;
      to.write(data);
    }
    if (queued < room) from.resume();
    if (pieces.length > 0) wait();
    else if (ended) to.end();
  };
  const wait = () => {
    if (waiting) return;
    waiting = true;
    const ms = pieces[0].due - performance.now();
    if (ms > TIMER_MS) setTimeout(deliver, ms - TIMER_MS);
    else setImmediate(deliver);
  };
  from.on('data', (data) => {
    const now = performance.now();
    for (let start = 0; start < data.length; start += pieceBytes) {
      const piece = data.subarray(start, start + pieceBytes);
      pieces.push({ data: piece, due: link.send(piece.length, now) });
    }
    queued += data.length;
    if (queued >= room) from.pause();
    wait();
  });
  from.on('end', () => {
    ended = true;
    if (pieces.length === 0) to.end();
  });
  from.on('close', () => {
    if (!ended) to.destroy();
  });
}
