/** A TCP load balancer: each connection goes to the next server that accepts it. */
import { connect, createServer, type Socket } from 'node:net';

export class Balancer {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((near) => this.#join(near, this.#ports.length));
  #ports: number[];
  #turn = 0;

  private constructor(ports: readonly number[]) {
    this.#ports = [...ports];
  }

  static async over(ports: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(ports);
    await new Promise<void>((resolve) => balancer.#server.listen(0, '127.0.0.1', resolve));
    return balancer;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Sends no new connections to a server that is stopping. */
  avoid(port: number): void {
    this.#ports = this.#ports.filter((known) => known !== port);
  }

  /** Adds a server that has started. */
  add(port: number): void {
    this.#ports.push(port);
  }

  /** Replaces a server that has restarted on another port. */
  replace(old: number, port: number): void {
    this.#ports = this.#ports.map((known) => (known === old ? port : known));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(near: Socket, tries: number): void {
    const far = connect(this.#ports[this.#turn++ % this.#ports.length], '127.0.0.1');
    this.#sockets.add(near).add(far);
    let joined = false;
    far.on('connect', () => {
      joined = true;
      near.pipe(far).pipe(near);
    });
    far.on('error', () => {});
    far.on('close', () => {
      this.#sockets.delete(far);
      if (!joined && tries > 1) this.#join(near, tries - 1);
      else near.destroy();
    });
    near.on('error', () => {});
    near.on('close', () => {
      this.#sockets.delete(near);
      far.destroy();
    });
  }
}
