import type { Attributes } from '@opentelemetry/api';
import { asSphynxError } from '../errors/sphynx-error.ts';

/** OpenTelemetry's face, where it is installed. Without an SDK behind it spans are empty and cost next to nothing. */
const api = await import('@opentelemetry/api').catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
  throw error;
});
const tracer = api?.trace.getTracer('sphynx-pi');

/**
 * Runs one step of a call in a span of its own, below that of the step around it. Attributes say what log lines say:
 * never who calls, and nothing secret. A step that fails leaves its code.
 */
export async function inSpan<Result>(
  name: string,
  attributes: Attributes,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!api || !tracer) return work();
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: api.SpanStatusCode.ERROR, message: asSphynxError(error).code });
      throw error;
    } finally {
      span.end();
    }
  });
}
