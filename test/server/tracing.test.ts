import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SpanStatusCode } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { randomImage } from '../support/card-image.ts';
import { network, runningServer } from '../support/running-server.ts';

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();

/** Names of the spans below `parent`, in the order in which they ended. */
function below(parent: ReadableSpan): string[] {
  return exporter
    .getFinishedSpans()
    .filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent.spanContext().spanId)
    .map(({ name }) => name);
}

async function span(name: string): Promise<ReadableSpan> {
  for (;;) {
    const found = exporter.getFinishedSpans().find((finished) => finished.name === name);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a call is a span, its phases are spans below it, and none of them says who called', async () => {
  const server = await runningServer();
  const token = 'ab'.repeat(16);
  const client = server.client(token);
  const [bundle] = await client.prepare(1);
  assert.deepEqual(below(await span('Preprocess')), ['open session', 'wait for turn', 'prepare bundle']);
  await client.classify(bundle, randomImage(network.card));
  assert.deepEqual(below(await span('Infer')), ['spend bundle', 'run online phase']);
  const attributes = exporter.getFinishedSpans().map((finished) => finished.attributes);
  assert.ok(attributes.some((names) => names['sphynx.bundle'] === bundle.id));
  assert.ok(!JSON.stringify(attributes).includes(token));
  exporter.reset();
  await assert.rejects(client.spend(bundle.id), { code: 'bundle/spent' });
  for (const name of ['spend bundle', 'Infer'])
    assert.deepEqual((await span(name)).status, { code: SpanStatusCode.ERROR, message: 'bundle/spent' });
});

test('where OpenTelemetry is not installed, calls go on without spans', async () => {
  const program = `
    import { registerHooks } from 'node:module';
    const missing = Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === '@opentelemetry/api') throw missing;
        return next(specifier, context);
      },
    });
    const { inSpan } = await import(${JSON.stringify(new URL('../../server/tracing.ts', import.meta.url).href)});
    console.log(await inSpan('anything', {}, async () => 'done'));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(stdout, 'done\n');
});
