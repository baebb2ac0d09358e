import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SphynxError, type SphynxErrorCode } from '../../errors/sphynx-error.ts';
import { PACKAGE_FOLDER } from '../package-folder.ts';

/** How long the server may take to stop before it is killed (ms). */
const STOP_MS = 5000;

/** `sphynx serve` as a separate process, on a free loopback port. */
export class ServerProcess {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** Its address: `127.0.0.1:PORT`. */
  readonly address: string;

  private constructor(process: ChildProcess, exited: Promise<unknown>, address: string) {
    this.#process = process;
    this.#exited = exited;
    this.address = address;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** Starts a server and resolves when it accepts calls. Throws the server's own error if it cannot start. */
  static async start(model: string, stateFolder: string): Promise<ServerProcess> {
    const args = ['--json', 'serve', '--listen', '127.0.0.1:0', '--model', model, '--state', stateFolder];
    const child = spawn(
      process.execPath,
      [join(PACKAGE_FOLDER, 'cli', 'main.ts'), ...args, '--log-level', 'warn'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const exited = once(child, 'exit');
    // The last resort, if this process ends without calling `stop`.
    process.once('exit', () => child.kill('SIGKILL'));
    const line = await Promise.race([
      once(createInterface(child.stdout), 'line'),
      exited.then(() => undefined),
    ]);
    const answer = line
      ? JSON.parse(line[0])
      : { error: { code: 'internal', message: 'the server process died' } };
    if (answer.error) throw new SphynxError(answer.error.code as SphynxErrorCode, answer.error.message);
    return new ServerProcess(child, exited, answer.address);
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}
