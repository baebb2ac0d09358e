import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, type Registry } from 'prom-client';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** Concurrent scrapers; further ones are dropped. */
const CONNECTIONS = 8;

/** How long a scraper may take to send its request (ms). */
const REQUEST_MS = 5000;

const LOOPBACK = '127.0.0.1';

export interface MetricsListener {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves the registry, and figures of the process, at http://ADDRESS/metrics, and at /health whether the server takes
 * calls (200) or not (503), for probes that cannot speak gRPC over mutual TLS. `address`: `PORT` on the loopback
 * interface, or `HOST:PORT`: anybody who can reach it can read it, so restrict it to a private network. Throws
 * 'config/invalid'.
 */
export async function serveMetrics(
  registry: Registry,
  address: string,
  isServing: () => boolean,
): Promise<MetricsListener> {
  const { host, port } = placeOf(address);
  collectDefaultMetrics({ register: registry });
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => answer(registry, isServing, request, response),
  );
  server.maxConnections = CONNECTIONS;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new SphynxError('config/invalid', `cannot serve metrics on ${address}: is the port in use?`, {
      cause,
    });
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      registry.clear();
    },
  };
}

async function answer(
  registry: Registry,
  isServing: () => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method === 'GET' && request.url === '/health') {
    const serving = isServing();
    response.writeHead(serving ? 200 : 503).end(serving ? 'SERVING\n' : 'NOT_SERVING\n');
    return;
  }
  if (request.method !== 'GET' || request.url !== '/metrics') {
    response.writeHead(404).end();
    return;
  }
  try {
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(text);
  } catch {
    response.writeHead(500).end();
  }
}

/** Where an address for metrics listens. Throws 'config/invalid'. */
export function placeOf(address: string): { host: string; port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port > 65535)
    throw new SphynxError(
      'config/invalid',
      `metrics are served on PORT or HOST:PORT, such as 9464 or 10.0.0.5:9464; got "${address}"`,
    );
  return { host: match[1] ?? match[2] ?? LOOPBACK, port };
}
