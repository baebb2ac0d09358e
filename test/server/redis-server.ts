/** A redis-server of its own for a test file, on a free port and with its data in a temporary folder. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryFolder } from './bundles.ts';

/** For `skip`: why there is no Redis to test against, or false. */
export const NO_REDIS =
  spawnSync('redis-server', ['--version']).status === 0
    ? false
    : 'redis-server is not installed (Debian: apt-get install redis-server)';

export const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

export class RedisServer {
  readonly url: string;
  readonly port: number;
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#args = args;
  }

  /** Gone when the test file is done. */
  static async start(settings: readonly string[] = DURABLE): Promise<RedisServer> {
    const port = await freePort();
    const folder = temporaryFolder();
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--databases', '64'];
    const server = new RedisServer(port, [...args, '--save', '', ...settings]);
    after(() => server.kill());
    await server.restart();
    return server;
  }

  /** Starts it on the data that are there. */
  async restart(): Promise<void> {
    this.#process = spawn('redis-server', this.#args, { stdio: 'ignore' });
    for (let tries = 0; !(await answers(this.port)); tries++) {
      if (tries === 200) throw new Error('redis-server did not start');
      await delay(25);
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Stops it where it stands, with all connections open, or lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Whether Redis has loaded its data and takes commands. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.on('data', (reply) => {
      resolve(reply.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}
