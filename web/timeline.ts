import type { ModelCard, PassedSegment } from '../browser/index.ts';
import { element, show } from './elements.ts';
import { bytes, duration } from './quantities.ts';
import { type Round, roundsOf } from './rounds.ts';

/** Draws the rounds of an inference, one row each, along a time axis. */
export function showTimeline({ layers }: ModelCard, segments: readonly PassedSegment[]): void {
  const rounds = roundsOf(segments);
  const whole = rounds[rounds.length - 1].end;
  const name = ({ layer }: Round) => (layer === layers.length - 1 ? 'answer' : `${layer + 1}`);
  element('rounds-body').replaceChildren(...rounds.map((round) => row(name(round), round, whole)));
  show('rounds');
}

function row(name: string, { start, heard, end, received, sent }: Round, whole: number): HTMLElement {
  const track = document.createElement('td');
  track.className = 'track';
  track.title = `waited ${duration(heard - start)}, evaluated ${duration(end - heard)}`;
  track.ariaLabel = track.title;
  track.append(bar('wait', start, heard, whole), bar('work', heard, end, whole));
  const head = cell('th', name);
  head.setAttribute('scope', 'row');
  const figures = [duration(end - start), bytes(received), sent === 0 ? '' : bytes(sent)];
  const line = document.createElement('tr');
  line.append(head, track, ...figures.map((figure) => cell('td', figure)));
  return line;
}

function cell(tag: 'th' | 'td', text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function bar(kind: 'wait' | 'work', from: number, to: number, whole: number): HTMLElement {
  const made = document.createElement('span');
  made.className = kind;
  made.style.left = `${(100 * from) / whole}%`;
  made.style.width = `${(100 * (to - from)) / whole}%`;
  return made;
}
