/** The panel with the answer. */
import type { Classification, OutputHead, Score } from '../browser/index.ts';
import { announce, element, show, write } from './elements.ts';
import { bytes, duration, percent } from './quantities.ts';

const STATES = ['empty', 'waiting', 'asking', 'given'] as const;

/** Shows one of the panel's states. */
export function showAnswerState(state: (typeof STATES)[number]): void {
  for (const other of STATES) show(`answer-${other}`, other === state);
}

/** Shows why the answer is delayed. */
export function showWaiting(text: string): void {
  write('answer-waiting-text', text);
  showAnswerState('waiting');
  announce(text);
}

export function showAnswer({ head, top, timings, bytes: moved, rounds }: Classification): void {
  const bars = top[0].p !== null;
  const title = titleOf(head, top);
  write('answer-top', title);
  element('answer-bars').classList.toggle('ranks', !bars && head !== 'values');
  element('answer-bars').replaceChildren(...(bars || top.length > 1 ? top.map(bar) : []));
  const note = noteOf(head, top);
  show('answer-note', note !== '');
  write('answer-note', note);
  const { up, down } = moved.online;
  write(
    'answer-cost',
    `${duration(timings.onlineMs)}, ${bytes(up + down)}, ${rounds} round trips, one bundle used up`,
  );
  showAnswerState('given');
  const sure = top[0].p === null || head === 'multi-label' ? '' : `, ${percent(top[0].p)}`;
  announce(`${title}${sure}, after ${duration(timings.onlineMs)}`);
}

/** Returns the answer in one line: the likeliest class, the labels that apply, or the first value. */
function titleOf(head: OutputHead, top: readonly Score[]): string {
  const [best] = top;
  if (head === 'values') return `${readable(best)}: ${figure(best)}`;
  if (head !== 'multi-label') return readable(best);
  return (
    top
      .filter(({ p }) => (p ?? 0) > 0.5)
      .map(readable)
      .join(', ') || 'none of the labels'
  );
}

/** Returns an explanation of the answer. */
function noteOf(head: OutputHead, top: readonly Score[]): string {
  if (head === 'multi-label') return 'The labels are independent; each has its own probability.';
  if (head === 'values' || top[0].p !== null) return '';
  return top.length > 1
    ? 'This server reveals the likeliest classes in order, but not their probabilities.'
    : 'This server reveals the likeliest class, but not its probability.';
}

function figure({ p, value }: Score): string {
  if (p !== null) return percent(p);
  return value === undefined ? '' : Number(value.toPrecision(6)).toString();
}

function bar(score: Score): HTMLElement {
  const line = document.createElement('li');
  const name = document.createElement('span');
  name.className = 'name';
  name.textContent = readable(score);
  line.append(name);
  const text = figure(score);
  if (text === '') return line;
  const share = document.createElement('span');
  share.className = 'share';
  share.textContent = text;
  if (score.p === null) {
    line.append(share);
    return line;
  }
  const track = document.createElement('span');
  track.className = 'bar';
  track.style.setProperty('--share', String(score.p));
  line.append(share, track);
  return line;
}

/** Replaces the underscores in labels of data sets by spaces. */
function readable({ label }: Score): string {
  return label.replaceAll('_', ' ');
}
