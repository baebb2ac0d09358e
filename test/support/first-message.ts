import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Returns the next message of a process. Throws if the process ends before it, in place of waiting forever. */
export async function firstMessage<Message>(process: ChildProcess): Promise<Message> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    const ended = once(process, 'exit', { signal }).then(([code, name]) => {
      throw new Error(`the process ended (${code ?? name}) before it sent a message`);
    });
    const [message] = await Promise.race([once(process, 'message', { signal }), ended]);
    return message;
  } finally {
    // Otherwise a process that is asked repeatedly gathers listeners.
    settled.abort();
  }
}
