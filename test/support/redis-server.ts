/** A real redis-server, on a free loopback port and with its data in a folder of the caller. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { freePort } from './free-port.ts';

/** Settings under which Redis makes confirmed writes durable. */
export const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** Attempts to reach a starting Redis, and the pause between them (ms). */
const START = { tries: 400, pauseMs: 25 };

/** Ports that are tried. */
const ATTEMPTS = 5;

/** Returns why Redis cannot be started, with a remedy, or undefined. */
export function missingRedis(): string | undefined {
  if (spawnSync('redis-server', ['--version']).status === 0) return undefined;
  return 'redis-server is not installed; on Debian: apt-get install redis-server';
}

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

  /** The caller ends it with `kill`. Throws 'config/invalid' if redis-server is missing, 'internal' if it does not start. */
  static async start(folder: string, settings: readonly string[] = DURABLE): Promise<RedisServer> {
    const missing = missingRedis();
    if (missing) throw new SphynxError('config/invalid', missing);
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--databases', '64'];
      const server = new RedisServer(port, [...args, '--save', '', ...settings]);
      try {
        await server.restart();
        return server;
      } catch (error) {
        await server.kill();
        // Another process may have taken the port in the meantime.
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Undefined while it is down. */
  get pid(): number | undefined {
    return this.#running ? this.#process?.pid : undefined;
  }

  /** Starts it again on its existing data. */
  async restart(): Promise<void> {
    this.#process = spawn('redis-server', this.#args, { stdio: 'ignore' });
    for (let tries = 0; !(await answers(this.port, this.pid)); tries++) {
      if (tries === START.tries || !this.#running)
        throw new SphynxError('internal', 'redis-server did not start');
      await delay(START.pauseMs);
    }
  }

  /** Kills it by SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || !this.#running) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Suspends it, with all connections open, or resumes it. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name);
  }

  get #running(): boolean {
    return this.#process?.exitCode === null && this.#process.signalCode === null;
  }
}

/** Whether the Redis of that process has loaded its data and takes commands. */
function answers(port: number, pid: number | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\nINFO server\r\n'));
    socket.on('data', (reply) => {
      text += reply;
      if (!/process_id:\d+\r/.test(text)) return;
      resolve(text.startsWith('+PONG') && text.includes(`process_id:${pid}\r`));
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
