import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Returns the next message of a process. Throws if the process ends before it, in place of waiting forever. */
export async function firstMessage<Message>(process: ChildProcess): Promise<Message> {
  const ended = once(process, 'exit').then(([code, signal]) => {
    throw new Error(`the process ended (${code ?? signal}) before it sent a message`);
  });
  const [message] = await Promise.race([once(process, 'message'), ended]);
  return message;
}
