import type { PassedSegment } from '../browser/index.ts';

/** The round of one layer in one inference. Times are in ms since its beginning. */
export interface Round {
  readonly layer: number;
  /** When the previous layer was done, or the masked picture had been sent. */
  readonly start: number;
  /** When the server's first segment arrived. */
  readonly heard: number;
  readonly end: number;
  /** Bytes from the server. */
  readonly received: number;
  readonly sent: number;
}

/**
 * Computes the rounds of a conversation from all its segments in order. The masked picture precedes the first round.
 */
export function roundsOf(segments: readonly PassedSegment[]): Round[] {
  const rounds: Round[] = [];
  let end = 0;
  const layers = Map.groupBy(segments, ({ kind, layer }) => (kind === 'masked-input' ? -1 : layer));
  for (const [layer, passed] of layers) {
    const start = end;
    end = passed[passed.length - 1].at;
    if (layer === -1) continue;
    const heard = passed.find(({ direction }) => direction === 'received')?.at ?? end;
    rounds.push({
      ...{ layer, start, heard, end },
      received: total(passed, 'received'),
      sent: total(passed, 'sent'),
    });
  }
  return rounds;
}

/** Returns the bytes in one direction. */
export function total(segments: readonly PassedSegment[], direction: PassedSegment['direction']): number {
  return segments.reduce((sum, segment) => sum + (segment.direction === direction ? segment.bytes : 0), 0);
}
