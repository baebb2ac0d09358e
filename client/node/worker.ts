/** A role thread of the client: runs the client's roles of the protocol, so that the application's thread stays free. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { asSphynxError } from '../../errors/sphynx-error.ts';
import { lowerThreadPriority } from '../../transport/low-priority.ts';
import { PortChannel } from '../../transport/port-channel.ts';
import { logSteps } from '../../transport/trace-log.ts';
import { Roles } from '../roles.ts';
import type { Report, ToThread } from './thread-messages.ts';

const roles = new Roles();

logSteps('client');
const main = parentPort as MessagePort;
main.on('message', (message: ToThread) => {
  if (message.type === 'warm') roles.warm(message.agreement);
  else run(message);
});

async function run({ name, given, port }: Extract<ToThread, { type: 'job' }>): Promise<void> {
  // On demand only: what follows the segments of this role belongs to the main thread.
  const channel = port && new PortChannel(port, { prefetch: 0 });
  // Preparations have threads of their own, and may wait for everything else.
  if (name === 'open') lowerThreadPriority();
  try {
    const result = await roles.play(name, given as never, channel as PortChannel);
    report({ type: 'done', result });
    channel?.end();
  } catch (error) {
    const failure = asSphynxError(error);
    const detail = failure.code === 'internal' ? String((error as Error)?.stack) : '';
    report({ type: 'failed', code: failure.code, message: failure.message, detail });
    channel?.fail(failure);
  }
}

function report(message: Report): void {
  main.postMessage(message);
}
