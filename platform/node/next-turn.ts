/** Resolves after what waits for this thread has had its turn: messages that have arrived, timers that are due. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
