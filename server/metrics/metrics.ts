import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SphynxErrorCode } from '../../errors/sphynx-error.ts';
import type { PoolWorker } from '../pool-worker.ts';
import { BUNDLE_STATES, type BundleCounts, type BundleStore } from '../store/bundle-store.ts';
import { VERSION } from '../version.ts';
import type { WorkerPool } from '../worker-pool.ts';

export type Phase = 'prepare' | 'infer';

/**
 * Upper bounds of the histogram's buckets (s): an inference takes tens of milliseconds, a bundle on a slow link
 * minutes.
 */
const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Maximum age of the bundle counts (ms): counting takes a pass over the store's records. */
const COUNTS_MS = 10_000;

/** Refusals with alerts of their own. They begin at zero, because Prometheus sees no increase in a first value of one. */
const WATCHED: readonly (readonly [method: string, code: SphynxErrorCode])[] = [
  ['Infer', 'bundle/spent'],
  ['Preprocess', 'protocol/inconsistent'],
  ...['ListModels', 'GetModelCard', 'Preprocess', 'Infer'].flatMap((method) => [
    [method, 'internal'] as const,
    [method, 'storage/failed'] as const,
  ]),
];

/** The sources that the gauges read on each scrape. */
export interface Observed {
  readonly store: Pick<BundleStore, 'counts'>;
  readonly pool: Pick<WorkerPool, 'queue' | 'online' | 'offline' | 'retiredMs'>;
}

/** The server's metrics for Prometheus. No label identifies a client, an identity or a bundle. */
export class Metrics {
  readonly registry = new Registry();
  readonly #seconds = new Histogram({
    name: 'sphynx_phase_seconds',
    help: 'Duration of a prepared bundle (without its wait in the queue) or an inference that succeeded',
    labelNames: ['phase', 'model'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #bytes = new Counter({
    name: 'sphynx_payload_bytes_total',
    help: 'Payload of segments; up is to the server',
    labelNames: ['phase', 'direction'],
    registers: [this.registry],
  });
  readonly #refusals = new Counter({
    name: 'sphynx_refusals_total',
    help: 'Failed calls by method and code',
    labelNames: ['method', 'code'],
    registers: [this.registry],
  });
  #counts: { readonly at: number; readonly value: Promise<BundleCounts> } | undefined;

  constructor() {
    for (const [method, code] of WATCHED) this.#refusals.inc({ method, code }, 0);
  }

  /** Records a completed bundle or inference of the model. */
  finished(phase: Phase, model: string, ms: number): void {
    this.#seconds.observe({ phase, model }, ms / 1000);
  }

  moved(phase: Phase, direction: 'up' | 'down', bytes: number): void {
    this.#bytes.inc({ phase, direction }, bytes);
  }

  refused(method: string, code: string): void {
    this.#refusals.inc({ method, code });
  }

  /** Adds the gauges, which are read on each scrape. */
  observe({ store, pool }: Observed): void {
    const { registry } = this;
    const build = new Gauge({
      name: 'sphynx_build_info',
      help: 'Always 1; its labels name the running versions',
      labelNames: ['version', 'node'],
      registers: [registry],
    });
    build.set({ version: VERSION, node: process.versions.node }, 1);
    const counts = (): Promise<BundleCounts> => this.#recentCounts(store);
    gauge(registry, 'sphynx_bundles', 'Bundle records by state', 'state', async () =>
      Object.entries(await counts()),
    );
    gauge(registry, 'sphynx_preparations', 'Running and queued preparations', 'state', () => [
      ['in_work', pool.queue.inWork],
      ['waiting', pool.queue.length],
    ]);
    gauge(registry, 'sphynx_queue_wait_seconds', 'Expected wait of the next preparation', 'queue', () => [
      ['preparations', pool.queue.expectedWaitMs / 1000],
    ]);
    const kinds = { inferences: pool.online, preparations: pool.offline };
    gauge(registry, 'sphynx_workers', 'Live worker threads', 'work', () =>
      Object.entries(kinds).map(([work, workers]) => [work, workers.filter(({ alive }) => alive).length]),
    );
    new Counter({
      name: 'sphynx_worker_busy_seconds_total',
      help: 'Busy time of all worker threads; its rate over sphynx_workers is their utilization',
      labelNames: ['work'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [work, workers] of Object.entries(kinds))
          this.inc({ work }, (busyMs(workers) + pool.retiredMs[work as keyof typeof kinds]) / 1000);
      },
    });
  }

  #recentCounts(store: Observed['store']): Promise<BundleCounts> {
    const now = performance.now();
    if (!this.#counts || now - this.#counts.at > COUNTS_MS) {
      const unknown = () => Object.fromEntries(BUNDLE_STATES.map((state) => [state, Number.NaN]));
      // A failing store reports its own errors; the other metrics are still needed.
      this.#counts = { at: now, value: store.counts().catch(unknown) as Promise<BundleCounts> };
    }
    return this.#counts.value;
  }
}

type Values = [label: string, value: number][];

function gauge(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Values | Promise<Values>,
): void {
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    async collect() {
      for (const [key, value] of await read()) this.set({ [label]: key }, value);
    },
  });
}

function busyMs(workers: readonly PoolWorker[]): number {
  return workers.reduce((sum, worker) => sum + worker.busyMs, 0);
}
