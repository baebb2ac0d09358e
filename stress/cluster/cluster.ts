/** A deployment in separate processes: servers that share a Redis, behind a TCP balancer. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Party, StartParty } from '../../bench/party.ts';
import type { ServerLimits } from '../../server/index.ts';
import { Balancer } from '../../test/support/balancer.ts';
import { DURABLE, RedisServer } from '../../test/support/redis-server.ts';
import type { LoadOptions } from './load-process.ts';
import type { ReplicaOptions } from './replica-process.ts';

/** The store key of one run. */
const STORE_KEY = 'ab'.repeat(32);

export interface ClusterOptions {
  readonly model: string;
  readonly replicas: number;
  readonly limits: Partial<ServerLimits>;
  /** Folder of Redis's data; in the cluster's folder unless given. */
  readonly redisFolder?: string;
  /** Additional environment variables of a server. */
  readonly environment?: (replica: number) => NodeJS.ProcessEnv;
}

export interface Replica {
  readonly name: string;
  readonly party: Party<{ port: number }>;
  readonly log: string;
}

export class Cluster {
  readonly redis: RedisServer;
  readonly replicas: Replica[] = [];
  readonly #start: StartParty;
  readonly #folder: string;
  readonly #options: ClusterOptions;
  #balancer: Balancer | undefined;

  private constructor(start: StartParty, folder: string, options: ClusterOptions, redis: RedisServer) {
    this.#start = start;
    this.#folder = folder;
    this.#options = options;
    this.redis = redis;
  }

  /**
   * Throws 'config/invalid' if redis-server is missing. The caller must call `end`; the servers end with the processes
   * of `start`.
   */
  static async start(start: StartParty, folder: string, options: ClusterOptions): Promise<Cluster> {
    const redisFolder = options.redisFolder ?? join(folder, 'redis');
    await mkdir(redisFolder, { recursive: true });
    // Its append-only file is a complete log of the bundles' states.
    const settings = [...DURABLE, '--auto-aof-rewrite-percentage', '0'];
    const redis = await RedisServer.start(redisFolder, settings);
    const cluster = new Cluster(start, folder, options, redis);
    try {
      for (let i = 0; i < options.replicas; i++) await cluster.startReplica(i);
      cluster.#balancer = await Balancer.over(cluster.replicas.map(({ party }) => party.ready.port));
      return cluster;
    } catch (error) {
      await cluster.end();
      throw error;
    }
  }

  /** Address of the balancer. */
  get address(): string {
    return (this.#balancer as Balancer).address;
  }

  /** Starts a server, or restarts it with the same port and log after it died. */
  async startReplica(place: number): Promise<void> {
    const { model, limits, environment } = this.#options;
    const name = `replica ${place}`;
    const log = join(this.#folder, `replica-${place}.log`);
    const port = this.replicas[place]?.party.ready.port ?? 0;
    const records = { redis: this.redis.url };
    const options: ReplicaOptions = { model, port, records, log, limits };
    const env = { SPHYNX_STORE_KEY: STORE_KEY, ...environment?.(place) };
    const party = await this.#start<{ port: number }>(
      'cluster/replica-process.ts',
      [JSON.stringify(options)],
      {
        env,
      },
    );
    this.replicas[place] = { name, party, log };
  }

  /** Starts an additional server with its own records in a folder. */
  startSingle(folder: string, log: string): Promise<Party<{ port: number }>> {
    const { model, limits } = this.#options;
    const options: ReplicaOptions = { model, port: 0, records: { folder }, log, limits };
    return this.#start('cluster/replica-process.ts', [JSON.stringify(options)]);
  }

  /** Starts a client process with its own state folder; it connects through the balancer unless specified otherwise. */
  startClient(
    name: string,
    options: Partial<Pick<LoadOptions, 'address' | 'stateFolder' | 'deadlines' | 'idle'>> = {},
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Party<unknown>> {
    const all: LoadOptions = {
      model: this.#options.model,
      address: this.address,
      stateFolder: join(this.#folder, name),
      ...options,
    };
    return this.#start('cluster/load-process.ts', [JSON.stringify(all)], { env: environment });
  }

  /** Closes everything that is not a process of `start`. */
  async end(): Promise<void> {
    this.#balancer?.close();
    await this.redis.kill();
  }
}
