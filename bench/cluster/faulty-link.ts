/** A TCP relay between client and server with the faults that networks have. */
import { createServer, connect as dial, type Socket } from 'node:net';

export class FaultyLink {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((near) => this.#join(near));
  #target: number;
  #address = '';
  #budget = Number.POSITIVE_INFINITY;
  #silence = Number.POSITIVE_INFINITY;

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

  /** Cuts all connections once this many more bytes have come down from the server. Later ones work again. */
  cutAfter(bytesDown: number): void {
    this.#budget = bytesDown;
  }

  /** Lets nothing through once this many more bytes have come down, in either direction, and closes nothing. */
  fallSilentAfter(bytesDown: number): void {
    this.#silence = bytesDown;
  }

  /** Leads new connections to another port, as after a restart, and cuts the old ones. */
  leadTo(port: number): void {
    this.#target = port;
    this.#silence = Number.POSITIVE_INFINITY;
    this.cut();
  }

  /** Cuts all connections now. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#budget = Number.POSITIVE_INFINITY;
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
    near.on('data', (bytes) => this.#silence < 0 || far.write(bytes));
    far.on('data', (bytes) => {
      const allowed = this.#budget;
      this.#budget -= bytes.length;
      this.#silence -= bytes.length;
      // What came before the cut arrives: several messages may stand in one piece.
      if (this.#budget < 0) near.write(bytes.subarray(0, Math.max(0, allowed)), () => this.cut());
      else if (this.#silence >= 0) near.write(bytes);
    });
  }
}
