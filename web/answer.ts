/** The panel with the answer. */
import type { Classification, Score } from '../browser/index.ts';
import { announce, element, show, write } from './elements.ts';
import { bytes, duration, percent } from './quantities.ts';

const STATES = ['empty', 'waiting', 'asking', 'given'] as const;

/** Shows one of the panel's states. */
export function showAnswerState(state: (typeof STATES)[number]): void {
  for (const other of STATES) show(`answer-${other}`, other === state);
}

/** Shows why an answer takes its time. */
export function showWaiting(text: string): void {
  write('answer-waiting-text', text);
  showAnswerState('waiting');
  announce(text);
}

export function showAnswer({ top, timings, bytes: moved, rounds }: Classification): void {
  const [best] = top;
  write('answer-top', readable(best));
  const bars = best.p !== null;
  element('answer-bars').classList.toggle('ranks', !bars);
  element('answer-bars').replaceChildren(...(bars || top.length > 1 ? top.map(bar) : []));
  show('answer-note', !bars);
  write(
    'answer-note',
    top.length > 1
      ? 'This server tells the likeliest classes in order, and keeps how sure it is.'
      : 'This server tells the likeliest class, and keeps how sure it is.',
  );
  const { up, down } = moved.online;
  write(
    'answer-cost',
    `${duration(timings.onlineMs)}, ${bytes(up + down)}, ${rounds} round trips, one bundle used up`,
  );
  showAnswerState('given');
  const sure = best.p === null ? '' : `, ${percent(best.p)}`;
  announce(`${readable(best)}${sure}, after ${duration(timings.onlineMs)}`);
}

function bar(score: Score): HTMLElement {
  const line = document.createElement('li');
  const name = document.createElement('span');
  name.className = 'name';
  name.textContent = readable(score);
  line.append(name);
  if (score.p === null) return line;
  const share = document.createElement('span');
  share.className = 'share';
  share.textContent = percent(score.p);
  const track = document.createElement('span');
  track.className = 'bar';
  track.style.setProperty('--share', String(score.p));
  line.append(share, track);
  return line;
}

/** Labels of data sets have underscores for spaces. */
function readable({ label }: Score): string {
  return label.replaceAll('_', ' ');
}
