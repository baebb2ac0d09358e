import { delay } from '../edge/delay.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { CallStream } from '../transport/call-stream.ts';
import { FAREWELL_MS } from './limits.ts';

/**
 * Ends a stream whose conversation is over. How the server ends it changes nothing any more, but if it does not, or
 * says more, the call is cut: it would live as long as the connection.
 */
export async function farewell<In, Out>(stream: CallStream<In, Out>): Promise<void> {
  stream.end();
  const patience = new AbortController();
  const silent = delay(FAREWELL_MS, patience.signal).then(() => false);
  const ended = stream.receive().then(
    (message) => message === undefined,
    () => true,
  );
  if (!(await Promise.race([ended, silent])))
    stream.abort(new SphynxError('protocol/order', 'the server did not end a conversation that was over'));
  patience.abort();
}
