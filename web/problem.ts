/** Explains errors in plain words, with a remedy. */
import { SphynxError } from '../browser/index.ts';
import { announce, element, show, write } from './elements.ts';
import { duration } from './quantities.ts';

export interface Explanation {
  readonly title: string;
  readonly advice: string;
}

const KEPT = 'A bundle that was in use is discarded and never used again; ready bundles are kept.';

/** Explains an error; `message` is included if the visitor needs help from others. */
export function explain(error: unknown): Explanation {
  const { code, message, retryAfterMs } =
    error instanceof SphynxError ? error : new SphynxError('internal', String((error as Error)?.message));
  const later = retryAfterMs ? `in ${duration(retryAfterMs)}` : 'in a moment';
  switch (code) {
    case 'server/stopping':
      return { title: 'The server is being stopped', advice: `Try again ${later}. ${KEPT}` };
    case 'server/unreachable':
      return {
        title: 'The server cannot be reached',
        advice: `It may be off, your connection may be down, or it does not take calls from this page. Try again ${later}. ${KEPT}`,
      };
    case 'protocol/closed':
    case 'protocol/deadline':
      return {
        title: 'The connection to the server broke',
        advice: `Try again. ${KEPT}`,
      };
    case 'server/busy':
      return { title: 'The server is busy', advice: `Try again ${later}.` };
    case 'quota/exceeded':
      return { title: 'You have used up your quota on this server', advice: sentence(message) };
    case 'identity/missing':
      return {
        title: 'The server wants to know who you are',
        advice: 'Enter the access token that you got from its operator. It is kept until you close this tab.',
      };
    case 'identity/invalid':
      return { title: 'The server does not take this token', advice: 'Check it, and enter it again.' };
    case 'storage/failed':
      return { title: "This browser's storage cannot be used", advice: sentence(message) };
    case 'input/invalid':
      return { title: 'This network takes something else', advice: sentence(message) };
    case 'image/unreadable':
      return { title: 'This picture cannot be read', advice: sentence(message) };
    case 'bundle/spent':
      return {
        title: 'A bundle was used elsewhere',
        advice:
          'Nothing of this picture was sent. The storage of this browser may have been copied or restored: clear the remaining bundles, and prepare new ones.',
      };
    case 'bundle/expired':
    case 'bundle/unknown':
    case 'bundle/corrupt':
      return { title: 'A bundle could not be used', advice: 'It is gone. Try again with another one.' };
    case 'bundle/none':
      return {
        title: 'Another tab has used the bundles',
        advice: 'Prepare more than one, or try again here when the other tab is done.',
      };
    case 'model/mismatch':
    case 'model/unknown':
      return {
        title: 'The server has changed its network',
        advice: `Reload this page. (${message})`,
      };
    case 'model/format':
    case 'model/unsupported':
      return { title: 'This page cannot work with what the server offers', advice: sentence(message) };
    default:
      return {
        title: 'Something went wrong in this page',
        advice: `Reload it, and try again. (${message})`,
      };
  }
}

/** Shows an error with its remedy, and a button for `retry` if that can help. Asks for a missing identity. */
export function showProblem(error: unknown, retry?: () => void): void {
  console.warn(error);
  showObstacle(explain(error));
  const identity = error instanceof SphynxError && error.code.startsWith('identity/');
  show('identity', identity);
  show('retry', retry !== undefined && !identity);
  element<HTMLButtonElement>('retry').onclick = () => {
    hideProblem();
    // The button that had the focus has been removed.
    element('answer-title').focus();
    retry?.();
  };
  element('problem').scrollIntoView({ block: 'nearest' });
  if (identity) element('token').focus();
}

/** Shows a problem that cannot be solved on this page. */
export function showObstacle({ title, advice }: Explanation): void {
  write('problem-title', title);
  write('problem-advice', advice);
  show('problem');
}

export function hideProblem(): void {
  show('problem', false);
  announce('');
}

function sentence(message: string): string {
  return `${message[0].toUpperCase()}${message.slice(1)}.`;
}
