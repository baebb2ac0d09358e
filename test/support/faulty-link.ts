/** A TCP relay between client and server that simulates faults of networks. */
import { createServer, connect as dial, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Seen from the client. */
type Direction = 'up' | 'down';

const NEVER = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };

/** Duration of the longest piece on a slow link (ms). */
const PIECE_MS = 50;

export class FaultyLink {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((near) => this.#join(near));
  #target: number;
  #passed = 0;
  #address = '';
  #cutAfter = { ...NEVER };
  #silence = Number.POSITIVE_INFINITY;
  #losing = { after: Number.POSITIVE_INFINITY, bytes: 0 };
  /** Bytes per ms. */
  #rate = { ...NEVER };

  private constructor(target: number) {
    this.#target = target;
  }

  static async to(port: number): Promise<FaultyLink> {
    const link = new FaultyLink(port);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    link.#address = `127.0.0.1:${(link.#server.address() as { port: number }).port}`;
    return link;
  }

  get address(): string {
    return this.#address;
  }

  /**
   * Cuts all connections in the middle of a message, once this many more bytes have passed in one direction. Later
   * connections work again.
   */
  cutAfter(bytes: number, direction: Direction = 'down'): void {
    this.#cutAfter[direction] = bytes;
  }

  /** Blocks both directions, without closing connections, once this many more bytes have passed to the client. */
  fallSilentAfter(bytesDown: number): void {
    this.#silence = bytesDown;
  }

  /** Drops `bytes` once after `bytesDown` more have passed to the client, and then continues. */
  lose(bytes: number, bytesDown: number): void {
    this.#losing = { after: bytesDown, bytes };
  }

  /** Limits the rate to this many bytes per second, in small pieces. */
  slowDown(bytesPerSecond: number, direction: Direction): void {
    this.#rate[direction] = bytesPerSecond / 1000;
  }

  /** Resolves once nothing has passed for half a second of this process's own time. */
  async quiet(): Promise<void> {
    for (let still = 0, seen = this.#passed; still < 20; still++) {
      await delay(25);
      if (this.#passed !== seen) [still, seen] = [-1, this.#passed];
    }
  }

  /** Redirects new connections to another port, as after a restart, and cuts the old ones. */
  leadTo(port: number): void {
    this.#target = port;
    this.#silence = Number.POSITIVE_INFINITY;
    this.cut();
  }

  /** Cuts all connections now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#cutAfter = { ...NEVER };
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket): void {
    const far = dial(this.#target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.on('data', (bytes) => this.#carry(bytes, near, far, 'up'));
    far.on('data', (bytes) => this.#carry(bytes, far, near, 'down'));
  }

  #carry(bytes: Uint8Array, from: Socket, to: Socket, direction: Direction): void {
    this.#passed += bytes.length;
    const allowed = this.#cutAfter[direction];
    this.#cutAfter[direction] -= bytes.length;
    if (direction === 'down') this.#silence -= bytes.length;
    // Data before the cut is delivered, because one piece may contain several messages.
    if (allowed < bytes.length) to.write(bytes.subarray(0, allowed), () => this.cut());
    else if (this.#silence >= 0)
      this.#pass(direction === 'down' ? this.#without(bytes) : bytes, from, to, direction);
  }

  #without(bytes: Uint8Array): Uint8Array {
    const { after, bytes: lost } = this.#losing;
    if (after >= bytes.length) {
      this.#losing.after -= bytes.length;
      return bytes;
    }
    this.#losing = { after: Number.POSITIVE_INFINITY, bytes: 0 };
    return Buffer.concat([bytes.subarray(0, after), bytes.subarray(after + lost)]);
  }

  #pass(bytes: Uint8Array, from: Socket, to: Socket, direction: Direction): void {
    if (this.#rate[direction] === Number.POSITIVE_INFINITY) to.write(bytes);
    else this.#passSlowly(bytes, from, to, direction);
  }

  async #passSlowly(bytes: Uint8Array, from: Socket, to: Socket, direction: Direction): Promise<void> {
    from.pause();
    for (let start = 0; start < bytes.length && !to.destroyed; ) {
      const size = Math.max(1, Math.round(this.#rate[direction] * PIECE_MS));
      to.write(bytes.subarray(start, start + size));
      start += size;
      await delay(Math.min(PIECE_MS, 1 / this.#rate[direction]));
    }
    from.resume();
  }
}
