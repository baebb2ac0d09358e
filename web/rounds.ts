import type { PassedSegment } from '../browser/index.ts';

/** What happened for one layer of one inference. Moments in ms since its beginning. */
export interface Round {
  readonly layer: number;
  /** The layer before was done, or the masked picture had left. */
  readonly start: number;
  /** The server's first word came. */
  readonly heard: number;
  readonly end: number;
  /** Bytes. */
  readonly received: number;
  readonly sent: number;
}

/** The rounds of a conversation, from all its segments in order. The masked picture comes before the first one. */
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

/** Bytes in one direction. */
export function total(segments: readonly PassedSegment[], direction: PassedSegment['direction']): number {
  return segments.reduce((sum, segment) => sum + (segment.direction === direction ? segment.bytes : 0), 0);
}
