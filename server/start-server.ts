import { setTimeout as delay } from 'node:timers/promises';
import { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { SHARED_CHANNEL_OPTIONS } from '../transport/grpc/channel-options.ts';
import { privateInferenceService, SERVICE_NAME, serviceDefinition } from '../transport/grpc/proto.ts';
import type { ModelSummary } from '../transport/messages.ts';
import { ByteBudget } from './admission/byte-budget.ts';
import { limitConnections } from './admission/connection-limit.ts';
import { MemoryLimit } from './admission/memory-limit.ts';
import type { ServerParts } from './call-context.ts';
import { stderrLogger } from './call-log.ts';
import { checkOptions } from './check-options.ts';
import { tendHttp2Streams } from './http2-streams.ts';
import { Access } from './identity/access.ts';
import { warnOfStrangers } from './identity/strangers.ts';
import {
  CALLS_PER_CONNECTION,
  changeLimits,
  completeLimits,
  FLUSH_MS,
  GRACE_MS,
  type ServerLimits,
  SWEEP_MS,
  TIMER_MS,
} from './limits.ts';
import { listen } from './listen.ts';
import { Metrics } from './metrics/metrics.ts';
import { serveMetrics } from './metrics/serve-metrics.ts';
import { ModelRegistry, warnOfScales } from './models.ts';
import type { ServerOptions } from './options.ts';
import { reloadModels } from './reload-models.ts';
import { PrivateInferenceService } from './service.ts';
import { openStore } from './store/open-store.ts';
import { serveWebSockets } from './web/serve-web-sockets.ts';
import { WorkerPool } from './worker-pool.ts';

const DROPPED =
  'ready bundles of an older version of the server were dropped; their clients are told, and prepare new ones';

/** A running server. */
export interface RunningServer {
  /** Port of the gRPC listener. */
  readonly port: number;
  /** Port of the WebSocket listener, if there is one. */
  readonly webPort: number | undefined;
  /** Port of the metrics, if they are served. */
  readonly metricsPort: number | undefined;
  /** The models that the server offers now. */
  readonly models: readonly ModelSummary[];
  /**
   * Applies changed certificates, tokens and keys now, instead of within seconds, and loads the models again, from
   * `models` or from the same folders. Applies `limits`, except FIXED_LIMITS; limits that are not given return to their
   * defaults. Throws what makes a model or a limit unusable, and then changes nothing.
   */
  reload(changes?: Pick<Partial<ServerOptions>, 'models' | 'limits'>): Promise<void>;
  /**
   * Reports that the server is stopping, and keeps serving for `drainMs` (0 unless given), so that a load balancer
   * notices. Then asks clients to reconnect, refuses new streams, lets running inferences and preparations finish for
   * up to `graceMs`, and closes everything.
   */
  stop(options?: { drainMs?: number; graceMs?: number }): Promise<void>;
}

/**
 * Starts a private inference server and resolves when it accepts calls. Throws SphynxError 'config/invalid',
 * 'storage/failed', or what makes a model unusable; nothing is left running then.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  checkOptions(options);
  // One object for all who read them, changed by `reload`.
  const limits = { ...completeLimits(options.limits) };
  const logger = options.logger ?? stderrLogger();
  const access = new Access(options, logger);
  // The address for browsers has the same restrictions as the other one.
  if (options.web) new Access({ ...options, address: options.web.address }, logger);
  const models = await ModelRegistry.load(options.models, options);
  warnOfStrangers(options, models, logger);
  warnOfScales(models, logger);
  const undo: (() => Promise<void>)[] = [];
  try {
    const { store, dropped, close } = await openStore(options, limits);
    undo.push(close);
    if (dropped > 0) logger.warn({ dropped }, DROPPED);
    logger.info({ burned: await store.burnLeftovers(), expired: await store.sweep() }, 'bundle store open');
    const pool = await WorkerPool.start(
      {
        networks: models.all.map(({ network }) => network),
        setting: options.setting ?? 'fast',
        kernelCacheBytes: limits.kernelCacheBytes,
      },
      limits,
      logger,
    );
    undo.push(() => pool.stop());
    const metrics = new Metrics();
    metrics.observe({ store, pool });
    let serving = false;
    const listener = options.metrics
      ? await serveMetrics(metrics.registry, options.metrics, () => serving)
      : undefined;
    undo.push(async () => listener?.close());
    const bytes = new ByteBudget(limits);
    const memory = new MemoryLimit(limits);
    const service = new PrivateInferenceService({
      ...{ access, models, store, pool, limits, bytes, memory, metrics, logger },
    });
    const { server, health } = grpcServer(service, limits, options);
    undo.push(() => shutDown(server));
    const port = await listen(server, options.address, access.credentials);
    // Later than the deadline of the call itself, which gives the peer a reason.
    const untend = tendHttp2Streams(port, () => 2 * limits.idleMs);
    undo.push(async () => untend());
    const limitPort = (port: number) => {
      const refused = () => metrics.refused('connection', 'server/busy');
      const unlimit = limitConnections(port, () => limits.connections, refused);
      undo.push(async () => unlimit());
    };
    limitPort(port);
    const web =
      options.web &&
      (await serveWebSockets(options.web, service.implementation, access, (origin, peer) => {
        metrics.refused('WebSocket', 'origin');
        logger.warn({ origin, peer }, 'page of an origin that is not allowed');
      }));
    undo.push(async () => web?.close());
    if (web) limitPort(web.port);
    const sweeping = setInterval(() => sweep({ store, bytes, logger }), SWEEP_MS);
    undo.push(async () => clearInterval(sweeping));
    access.watch();
    undo.push(async () => access.close());
    serving = true;
    logger.info(
      { address: options.address, port, models: models.all.map(({ identity }) => identity.name) },
      'serving',
    );
    let stopped: Promise<void> | undefined;
    // Reloads run one after another, so the last request takes effect.
    let reloaded = Promise.resolve();
    const stop = async (drainMs: number, graceMs: number) => {
      logger.info({ drainMs, graceMs }, 'stopping');
      serving = false;
      for (const name of ['', SERVICE_NAME]) health.setStatus(name, 'NOT_SERVING');
      if (drainMs > 0) await delay(drainMs);
      await service.stop(Math.min(graceMs, TIMER_MS), () =>
        // GOAWAY: running calls continue, and new calls use new connections.
        server.drain(options.address.replace(/:\d+$/, `:${port}`), Math.min(graceMs + FLUSH_MS, TIMER_MS)),
      );
      await unwind(undo);
      logger.info('stopped');
    };
    return {
      port,
      webPort: web?.port,
      metricsPort: listener?.port,
      get models() {
        return models.all.map(({ summary }) => summary);
      },
      reload(changes) {
        access.reload();
        const next = async () => {
          const wanted = changes?.limits && completeLimits(changes.limits);
          await reloadModels({ models, pool, logger }, changes?.models ?? options.models, options);
          warnOfStrangers(options, models, logger);
          if (wanted) changeLimits(limits, wanted);
        };
        reloaded = reloaded.then(next, next);
        return reloaded;
      },
      stop: ({ drainMs = 0, graceMs = GRACE_MS } = {}) => {
        stopped ??= stop(Math.min(drainMs, TIMER_MS), graceMs);
        return stopped;
      },
    };
  } catch (error) {
    await unwind(undo);
    throw error;
  }
}

function grpcServer(
  service: PrivateInferenceService,
  limits: ServerLimits,
  { reflection }: ServerOptions,
): { server: Server; health: HealthImplementation } {
  const server = new Server({
    ...SHARED_CHANNEL_OPTIONS,
    'grpc.max_concurrent_streams': CALLS_PER_CONNECTION,
    'grpc.max_connection_idle_ms': limits.connectionIdleMs,
    'grpc.max_connection_age_ms': limits.connectionMs,
    // Other streams, such as health watches, would never end.
    'grpc.max_connection_age_grace_ms': Math.max(limits.sessionMs, limits.inferenceMs),
  });
  server.addService(privateInferenceService, service.implementation);
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE_NAME]: 'SERVING' });
  health.addToServer(server);
  if (reflection) new ReflectionService(serviceDefinition).addToServer(server);
  return { server, health };
}

/** Waits for the last statuses to be sent, then closes every connection; health watchers would keep theirs forever. */
async function shutDown(server: Server): Promise<void> {
  const patience = new AbortController();
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  closed.then(() => patience.abort());
  await delay(FLUSH_MS, undefined, { signal: patience.signal }).catch(() => {});
  server.forceShutdown();
  await closed;
}

async function sweep({
  store,
  bytes,
  logger,
}: Pick<ServerParts, 'store' | 'bytes' | 'logger'>): Promise<void> {
  bytes.sweep();
  await store.sweep().catch((err: unknown) => logger.error({ err }, 'the bundle store could not be swept'));
}

async function unwind(undo: (() => Promise<void>)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}
