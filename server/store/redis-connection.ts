import { createClient, ErrorReply } from 'redis';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** How long Redis may take for one step (ms): a sync to a slow disk takes a tenth of a second. */
const REPLY_MS = 5000;

/** How long the first connection may take (ms). */
const CONNECT_MS = 5000;

/** Longest pause before a lost connection is tried again (ms). */
const RETRY_MS = 1000;

/** Where Redis is and what makes a write durable there. */
export interface RedisOptions {
  /** `redis://[USER:PASSWORD@]HOST:PORT[/DATABASE]`, `rediss://` for TLS. */
  readonly url: string;
  /**
   * Replicas of Redis that must confirm every spent bundle (WAIT), for a Redis that may fail over to one of them. With
   * 0, the default, the disk of the Redis server itself must make writes durable.
   */
  readonly replicas?: number;
}

type Client = ReturnType<typeof newClient>;

/** A step that may or may not have been executed: the connection broke, or the reply did not arrive in time. */
export class UnknownOutcome extends SphynxError {}

/**
 * One connection to a Redis whose confirmed writes are durable. It reconnects automatically and sends nothing twice.
 */
export class RedisConnection {
  readonly #client: Client;
  readonly #replicas: number;
  /** Settled once the current connection is checked. */
  #checked: Promise<void> | undefined;

  private constructor(client: Client, replicas: number) {
    this.#client = client;
    this.#replicas = replicas;
  }

  /**
   * Connects and checks that confirmed writes survive. Throws 'config/invalid' if the URL or the durability of Redis
   * is not what it must be, 'storage/failed' if it cannot be reached.
   */
  static async open({ url, replicas = 0 }: RedisOptions): Promise<RedisConnection> {
    const retry = { wanted: false };
    const client = newClient(url, retry);
    const connection = new RedisConnection(client, replicas);
    // Without a listener the client would throw an uncaught error; each command fails separately, and the next
    // connection is checked.
    client.on('error', () => {
      connection.#checked = undefined;
    });
    try {
      await client.connect();
      retry.wanted = true;
      await connection.#check();
      return connection;
    } catch (error) {
      connection.close();
      if (error instanceof SphynxError) throw error;
      throw new SphynxError('storage/failed', `cannot reach Redis: ${reason(error)}`, { cause: error });
    }
  }

  /**
   * Runs one command. Throws 'storage/failed' if Redis cannot be reached or refuses it, and UnknownOutcome (with the
   * same code) if it may have been executed.
   */
  async run(command: readonly string[]): Promise<unknown> {
    await this.#check();
    return this.#send(command);
  }

  /** Waits until the required number of replicas has the writes. Throws UnknownOutcome. */
  async replicate(): Promise<void> {
    if (this.#replicas === 0) return;
    const confirmed = await this.#send(['WAIT', String(this.#replicas), String(REPLY_MS / 2)]);
    if (Number(confirmed) < this.#replicas)
      throw new UnknownOutcome(
        'storage/failed',
        `${confirmed} of ${this.#replicas} replicas of Redis confirmed the write; are they up? Try again once they are`,
      );
  }

  close(): void {
    if (this.#client.isOpen) this.#client.destroy();
  }

  async #send(command: readonly string[]): Promise<unknown> {
    if (!this.#client.isReady)
      throw new SphynxError('storage/failed', 'Redis cannot be reached; try again in a few seconds');
    const patience = new AbortController();
    const sent = this.#client.sendCommand([...command]);
    try {
      return await Promise.race([sent, timeout(patience.signal)]);
    } catch (cause) {
      if (cause instanceof SphynxError) {
        sent.catch(() => {});
        throw cause;
      }
      if (cause instanceof ErrorReply)
        throw new SphynxError('storage/failed', `Redis refused a command: ${cause.message}`, { cause });
      throw new UnknownOutcome(
        'storage/failed',
        'the connection to Redis broke before it answered; try again in a few seconds',
        { cause },
      );
    } finally {
      patience.abort();
    }
  }

  /** Runs once per connection, because the server after a reconnection may be configured differently. */
  #check(): Promise<void> {
    if (!this.#checked) {
      const checked = this.#checkDurability();
      checked.catch(() => {
        if (this.#checked === checked) this.#checked = undefined;
      });
      this.#checked = checked;
    }
    return this.#checked;
  }

  async #checkDurability(): Promise<void> {
    const setting = async (name: string) =>
      ((await this.#send(['CONFIG', 'GET', name])) as string[])[1] ?? 'unknown';
    const policy = await setting('maxmemory-policy').catch(unlessHidden);
    if (policy !== undefined && policy !== 'noeviction')
      throw unfit(`its maxmemory-policy is ${policy} and must be noeviction: it would forget spent bundles`);
    const log = await setting('appendonly').catch(unlessHidden);
    if (log === undefined) {
      if (this.#replicas > 0) return;
      throw unfit('it does not reveal its settings; allow CONFIG GET, or have replicas confirm writes');
    }
    // Replicas outlive a primary that fails, but follow one that restarts: it must not return to an older state.
    const forgetsAll = this.#replicas > 0 && log === 'no' && (await setting('save')) === '';
    if (forgetsAll) return;
    for (const [name, expected] of [
      ['appendonly', 'yes'],
      ['appendfsync', 'always'],
      ['no-appendfsync-on-rewrite', 'no'],
    ]) {
      const found = await setting(name);
      if (found !== expected)
        throw unfit(
          `its setting ${name} is ${found} and must be ${expected}: after a crash it could give out a bundle twice`,
        );
    }
  }
}

/** Some hosted Redis services do not reveal their settings. */
function unlessHidden(error: unknown): undefined {
  if (error instanceof SphynxError && error.cause instanceof ErrorReply) return undefined;
  throw error;
}

function unfit(why: string): SphynxError {
  return new SphynxError('config/invalid', `this Redis cannot hold bundles: ${why}`);
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function timeout(signal: AbortSignal): Promise<never> {
  const late = `Redis did not answer within ${REPLY_MS} ms; try again in a few seconds`;
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new UnknownOutcome('storage/failed', late)), REPLY_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

/** Returns a client that is not yet connected and reconnects automatically while `retry.wanted`. */
function newClient(url: string, retry: { readonly wanted: boolean }) {
  try {
    return createClient({
      url,
      // Commands that could not be sent are refused; commands without an answer are never sent again.
      disableOfflineQueue: true,
      RESP: 2,
      socket: {
        connectTimeout: CONNECT_MS,
        reconnectStrategy: (retries, cause) => (retry.wanted ? Math.min(50 * 2 ** retries, RETRY_MS) : cause),
      },
    });
  } catch {
    // Without the cause, whose text holds the URL and so the password.
    throw new SphynxError('config/invalid', 'expected redis://HOST:PORT or rediss://HOST:PORT for Redis');
  }
}
