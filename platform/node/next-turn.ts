/** Resolves after pending work of this thread has run: messages that have arrived, timers that are due. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
