import type { Attributes } from '@opentelemetry/api';
import { asSphynxError } from '../errors/sphynx-error.ts';

/** The OpenTelemetry API, if it is installed. Without an SDK, spans are empty and cost almost nothing. */
const api = await import('@opentelemetry/api').catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
  throw error;
});
const tracer = api?.trace.getTracer('sphynx-pi');

/**
 * Runs one step of a call in its own span, a child of the enclosing step's span. Attributes carry the ids of the log
 * lines, never the caller, and nothing secret. A failing step records its error code.
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
