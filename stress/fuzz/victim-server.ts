import { Server } from '@grpc/grpc-js';
import { pino } from 'pino';
import type { FixedNetwork } from '../../model/network.ts';
import { ByteBudget } from '../../server/admission/byte-budget.ts';
import { MemoryLimit } from '../../server/admission/memory-limit.ts';
import type { ServerParts } from '../../server/call-context.ts';
import { tendHttp2Streams } from '../../server/http2-streams.ts';
import { Access } from '../../server/identity/access.ts';
import { completeLimits, type ServerLimits } from '../../server/limits.ts';
import { listen } from '../../server/listen.ts';
import { Metrics } from '../../server/metrics/metrics.ts';
import { ModelRegistry } from '../../server/models.ts';
import { PrivateInferenceService } from '../../server/service.ts';
import { openStore } from '../../server/store/open-store.ts';
import { serveWebSockets } from '../../server/web/serve-web-sockets.ts';
import { WorkerPool } from '../../server/worker-pool.ts';
import { SHARED_CHANNEL_OPTIONS } from '../../transport/grpc/channel-options.ts';
import { privateInferenceService } from '../../transport/grpc/proto.ts';
import { inThreadPool } from './in-thread-pool.ts';
import type { Transcript } from './transcript.ts';
import { WatchedStore } from './watched-store.ts';

const ADDRESS = '127.0.0.1:0';

/** Ports of one service, over gRPC and WebSocket. */
interface Ports {
  readonly grpc: number;
  readonly web: number;
}

/** The server under attack: two instances of its service, over one store. */
export interface VictimServer {
  readonly ports: {
    /** The ordinary instance, with worker threads. */
    readonly deployed: Ports;
    /** The instance whose sessions are already open: see `Dialogue.opensSession`. */
    readonly opened: Ports;
  };
  readonly store: WatchedStore;
  readonly limits: ServerLimits;
  /** Internal faults that it logged; must stay empty. */
  readonly faults: string[];
  stop(): Promise<void>;
}

/**
 * @param other a second model, whose bundles are not those of the transcript's
 * @param idleMs its deadline for silent peers
 */
export async function startVictimServer(
  transcript: Transcript,
  other: FixedNetwork,
  { stateFolder, idleMs, lanes }: { stateFolder: string; idleMs: number; lanes: number },
): Promise<VictimServer> {
  const faults: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => faults.push(line) });
  const limits = completeLimits({
    idleMs,
    // Limits on the number of clients are not under test.
    ...{ sessions: 4 * lanes, preparations: 4 * lanes, inferences: 4 * lanes },
    ...{ offlineWorkers: 1, onlineWorkers: 1, kernelCacheBytes: 2 ** 24 },
  });
  const models = await ModelRegistry.load([transcript.network, other]);
  const { store, close } = await openStore({ stateFolder }, limits);
  const watched = new WatchedStore(store);
  const networks = models.all.map(({ network }) => network);
  const pool = await WorkerPool.start(
    { networks, setting: 'fast', kernelCacheBytes: limits.kernelCacheBytes },
    limits,
    logger,
  );
  const access = new Access({ address: ADDRESS }, logger);
  const budgets = { bytes: new ByteBudget(limits), memory: new MemoryLimit(limits) };
  const parts = { access, models, store: watched, pool, limits, ...budgets, metrics: new Metrics(), logger };
  const deployed = await serve(parts);
  const opened = await serve({ ...parts, pool: inThreadPool(transcript, pool, limits) });
  return {
    ports: { deployed: deployed.ports, opened: opened.ports },
    store: watched,
    limits,
    faults,
    async stop() {
      for (const { service } of [deployed, opened]) await service.stop(0, () => {});
      for (const { server, web, untend } of [deployed, opened]) {
        await web.close();
        server.forceShutdown();
        untend();
      }
      await pool.stop();
      await close();
    },
  };
}

async function serve(parts: ServerParts) {
  const service = new PrivateInferenceService(parts);
  const server = new Server(SHARED_CHANNEL_OPTIONS);
  server.addService(privateInferenceService, service.implementation);
  const port = await listen(server, ADDRESS, parts.access.credentials);
  const web = await serveWebSockets({ address: ADDRESS }, service.implementation, parts.access);
  // All attackers share a connection: unread data of a refused call must not block the others.
  const untend = tendHttp2Streams(port, () => 2 * parts.limits.idleMs);
  return { service, server, web, ports: { grpc: port, web: web.port }, untend };
}
