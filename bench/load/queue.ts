/** The history of one request: times in ms on the clock of the arrivals. */
export interface Request {
  readonly arrived: number;
  /** When its turn came, after all earlier requests were answered. */
  readonly started: number;
  readonly answered: number;
  /** Time that it then waited for a bundle; 0 if one was ready. */
  readonly preparingMs: number;
}

/** A clock, which tests can simulate. */
export interface Clock {
  /** ms. */
  now(): number;
  /** Resolves at `time`, or at once if it has passed. */
  until(time: number): Promise<void>;
}

/**
 * Answers requests in the order of their arrival, one at a time, as in the papers' studies: a request that arrives
 * while another is answered waits. `arrivals`: ascending times on the clock. `answer` returns how long it waited for a
 * bundle (ms).
 */
export async function answerInOrder(
  arrivals: readonly number[],
  clock: Clock,
  answer: () => Promise<number>,
): Promise<Request[]> {
  const requests: Request[] = [];
  for (const arrived of arrivals) {
    await clock.until(arrived);
    const started = clock.now();
    const preparingMs = await answer();
    requests.push({ arrived, started, answered: clock.now(), preparingMs });
  }
  return requests;
}
