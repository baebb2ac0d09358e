import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { VERSION } from '../../../server/version.ts';
import { SERVICE_NAME } from '../../../transport/grpc/proto.ts';
import { randomImage } from '../../support/card-image.ts';
import { network, runningServer } from '../../support/running-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Samples of a scrape: `name{labels}` to value. */
async function scrape(port: number | undefined): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(response.status, 200);
  const lines = (await response.text()).split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test('a scrape tells phases, bytes, bundles, queue, refusals and workers, and names no client', async () => {
  const server = await runningServer({ metrics: '0' });
  const token = 'ab'.repeat(16);
  const client = server.client(token);
  const [spent, ready] = await client.prepare(2);
  await client.classify(spent, randomImage(network.card));
  await assert.rejects(client.spend(spent.id), { code: 'bundle/spent' });
  const samples = await scrape(server.metricsPort);
  const model = network.card.name;
  for (const [phase, count] of [
    ['prepare', 2],
    ['infer', 1],
  ])
    assert.equal(samples.get(`sphynx_phase_seconds_count{phase="${phase}",model="${model}"}`), count);
  const { onlineBytes, offlineBytes, sessionBytes } = client.plan;
  const bytes = (phase: string, direction: string) =>
    samples.get(`sphynx_payload_bytes_total{phase="${phase}",direction="${direction}"}`);
  assert.equal(bytes('infer', 'up'), onlineBytes.up);
  assert.equal(bytes('infer', 'down'), onlineBytes.down);
  assert.equal(bytes('prepare', 'up'), 2 * offlineBytes.up + sessionBytes.up);
  assert.equal(bytes('prepare', 'down'), 2 * offlineBytes.down + sessionBytes.down);
  assert.equal(samples.get(`sphynx_build_info{version="${VERSION}",node="${process.versions.node}"}`), 1);
  assert.equal(samples.get('sphynx_bundles{state="ready"}'), 1);
  assert.equal(samples.get('sphynx_bundles{state="spending"}'), 0);
  assert.equal(samples.get('sphynx_refusals_total{method="Infer",code="bundle/spent"}'), 1);
  const cheating = 'sphynx_refusals_total{method="Preprocess",code="protocol/inconsistent"}';
  assert.equal(samples.get(cheating), 0, 'an alert needs a value before the first increase');
  assert.equal(samples.get('sphynx_preparations{state="waiting"}'), 0);
  assert.equal(samples.get('sphynx_preparations{state="in_work"}'), 0);
  assert.equal(samples.get('sphynx_workers{work="inferences"}'), 1);
  assert.ok((samples.get('sphynx_worker_busy_seconds_total{work="preparations"}') ?? 0) > 0);
  assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 1e6);
  const text = [...samples.keys()].join('\n');
  for (const secret of [token, spent.id, ready.id]) assert.ok(!text.includes(secret));
  assert.deepEqual(
    [
      ...new Set(
        [...text.matchAll(/\bsphynx[a-z_]*\{([^}]*)\}/g)].flatMap(([, labels]) => labels.match(/\w+(?==)/g)),
      ),
    ]
      .filter((label) => label !== 'le')
      .sort(),
    ['code', 'direction', 'method', 'model', 'node', 'phase', 'queue', 'state', 'version', 'work'],
  );
});

test('metrics are off unless asked for, and serve nothing else', async () => {
  assert.equal((await runningServer()).metricsPort, undefined);
  const { metricsPort } = await runningServer({ metrics: '127.0.0.1:0' });
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/`)).status, 404);
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/metrics`, { method: 'POST' })).status, 404);
  await assert.rejects(runningServer({ metrics: 'everywhere' }), { code: 'config/invalid' });
  await assert.rejects(runningServer({ metrics: String(metricsPort) }), { code: 'config/invalid' });
});

const REFLECTION = `syntax = "proto3"; package grpc.reflection.v1;
service ServerReflection { rpc ServerReflectionInfo(stream Request) returns (stream Response); }
message Request { string list_services = 7; }
message Response { Services list_services_response = 6; }
message Services { repeated Service service = 1; }
message Service { string name = 1; }`;

async function servicesOf(port: number): Promise<string[]> {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/reflection.proto`, REFLECTION);
  const loaded = loadPackageDefinition(loadSync(`${folder}/reflection.proto`)) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: ServiceClientConstructor } } };
  };
  const client = new loaded.grpc.reflection.v1.ServerReflection(
    `127.0.0.1:${port}`,
    credentials.createInsecure(),
  );
  const call = client.ServerReflectionInfo();
  try {
    return await new Promise((resolve, reject) => {
      call.on('error', reject);
      call.on('data', (answer: { listServicesResponse: { service: { name: string }[] } }) =>
        resolve(answer.listServicesResponse.service.map(({ name }) => name)),
      );
      call.write({ listServices: '*' });
    });
  } finally {
    call.end();
    client.close();
  }
}

test('reflection names the service to those who ask, if it is switched on', async () => {
  const open = await runningServer({ reflection: true });
  assert.ok((await servicesOf(open.port)).includes(SERVICE_NAME));
  const closed = await runningServer();
  await assert.rejects(servicesOf(closed.port), /UNIMPLEMENTED/);
});

test('the dashboard asks for nothing that the server does not tell', async () => {
  const server = await runningServer({ metrics: '0' });
  const text = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
  const told = new Set([...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].map(([, name]) => name));
  const dashboard = readFileSync(join(import.meta.dirname, '../../../deploy/grafana/sphynx.json'), 'utf8');
  const { panels } = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
  const asked = panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(?:sphynx|process|nodejs)_\w+/g) ?? []),
  );
  assert.ok(asked.length > 10);
  for (const name of asked) assert.ok(told.has(name.replace(/_(bucket|count|sum)$/, '')), name);
});
