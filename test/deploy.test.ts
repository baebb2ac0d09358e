/** The deployment files cannot be run here; what they say of the server is held against the server. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../server/config/load-config.ts';

const root = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(root, 'deploy', name), 'utf8');
const config = loadConfig({ file: join(root, 'deploy', 'server.yaml'), environment: {} });
/** How long a replica takes to stop at most. */
const stopSeconds = config.drainSeconds + config.graceSeconds;
const port = Number(config.listen.split(':').at(-1));
const metricsPort = Number(config.metrics?.split(':').at(-1));

test('the configuration of the replicas is one that the server takes', () => {
  assert.equal(config.store?.redis, 'redis://redis:6379');
  assert.notEqual(config.identity.anonymous, true);
});

test('compose runs two replicas of the same kind, and a Redis that forgets nothing', () => {
  const { services } = parse(read('compose.yaml'), { merge: true });
  assert.deepEqual(services['sphynx-1'], services['sphynx-2']);
  const command: string[] = services.redis.command;
  assert.equal(command[command.indexOf('--appendonly') + 1], 'yes');
  assert.equal(command[command.indexOf('--appendfsync') + 1], 'always');
  assert.equal(command[command.indexOf('--maxmemory-policy') + 1], 'noeviction');
  const grace = Number(services['sphynx-1'].stop_grace_period.replace('s', ''));
  assert.ok(grace > stopSeconds);
});

test('Envoy leads to every replica at its port', () => {
  const { static_resources } = parse(read('envoy.yaml'));
  const [{ lb_endpoints }] = static_resources.clusters[0].load_assignment.endpoints;
  assert.deepEqual(
    lb_endpoints.map(({ endpoint }: { endpoint: object }) => endpoint),
    ['sphynx-1', 'sphynx-2'].map((address) => ({
      address: { socket_address: { address, port_value: port } },
      health_check_config: { port_value: metricsPort },
    })),
  );
});

test('the Kubernetes objects belong together', () => {
  const documents = parseAllDocuments(read('kubernetes.yaml'));
  for (const { errors } of documents) assert.deepEqual(errors, []);
  const objects = documents.map((document) => document.toJS());
  const kinds = ['Deployment', 'Service', 'PodDisruptionBudget', 'HorizontalPodAutoscaler'];
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    kinds,
  );
  const [deployment, service, budget, scaler] = objects.map(({ spec }) => spec);
  const { labels } = deployment.template.metadata;
  for (const selector of [deployment.selector.matchLabels, service.selector, budget.selector.matchLabels])
    assert.deepEqual(selector, labels);
  assert.equal(scaler.scaleTargetRef.name, objects[0].metadata.name);
  const { containers, terminationGracePeriodSeconds } = deployment.template.spec;
  assert.equal(containers[0].ports[0].containerPort, port);
  assert.ok(terminationGracePeriodSeconds > stopSeconds);
  const ports = Object.fromEntries(
    containers[0].ports.map(({ name, containerPort }: { name: string; containerPort: number }) => [
      name,
      containerPort,
    ]),
  );
  assert.equal(ports.metrics, metricsPort);
  const { startupProbe, readinessProbe } = containers[0];
  for (const { httpGet } of [startupProbe, readinessProbe])
    assert.deepEqual(httpGet, { path: '/health', port: 'metrics' });
  assert.equal(deployment.template.spec.enableServiceLinks, false, 'no service can configure the server');
  const { name, selector } = scaler.metrics[0].pods.metric;
  const source = readFileSync(join(root, 'server', 'metrics', 'metrics.ts'), 'utf8');
  assert.ok(
    source.includes(`'${name}'`) && source.includes(`'${selector.matchLabels.state}'`),
    'the metric exists',
  );
});

test('the image copies folders that exist', () => {
  for (const [, from] of read('Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm))
    for (const name of from.split(' ')) assert.ok(existsSync(join(root, name)), name);
});

test('every alert has a meaning and asks for metrics that exist', () => {
  const { groups } = parse(read('prometheus/alerts.yaml'));
  const source = readFileSync(join(root, 'server', 'metrics', 'metrics.ts'), 'utf8');
  const errors = readFileSync(join(root, 'errors', 'sphynx-error.ts'), 'utf8');
  const rules: { expr: string; labels: { severity: string }; annotations: Record<string, string> }[] =
    groups.flatMap(({ rules }: { rules: unknown[] }) => rules);
  assert.ok(rules.length >= 5);
  for (const { expr, labels, annotations } of rules) {
    for (const [name] of expr.matchAll(/sphynx_[a-z_]+/g))
      assert.ok(source.includes(`'${name.replace(/_bucket$/, '')}'`), name);
    for (const [code] of expr.matchAll(/[a-z]+\/[a-z]+/g)) assert.ok(errors.includes(`'${code}'`), code);
    assert.ok(['warning', 'critical'].includes(labels.severity));
    assert.ok(annotations.summary && annotations.description);
  }
});

test('kustomize brings the objects, the configuration and the image together', () => {
  const { resources, configMapGenerator, images } = parse(read('kustomization.yaml'));
  const deployment = parseAllDocuments(read('kubernetes.yaml'))[0].toJS().spec.template.spec;
  assert.deepEqual(resources, ['kubernetes.yaml']);
  assert.equal(configMapGenerator[0].name, deployment.volumes[0].configMap.name);
  assert.deepEqual(configMapGenerator[0].files, ['server.yaml']);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.deepEqual(images, [{ name: deployment.containers[0].image.split(':')[0], newTag: version }]);
});

test('the systemd unit runs the command that the package has, and waits as long as a server takes to stop', () => {
  const unit = read('sphynx.service');
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.ok(unit.includes(`sphynx-pi/${bin.sphynx} serve --config`));
  assert.ok(Number(/TimeoutStopSec=(\d+)/.exec(unit)?.[1]) > stopSeconds);
});
