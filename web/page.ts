/** The page: a picture comes in, an answer comes out, and what the server saw of it is shown. */
import {
  type BrowserClient,
  connect,
  type ModelCard,
  type PassedSegment,
  pixelsOf,
  SphynxError,
} from '../browser/index.ts';
import { showAnswer, showAnswerState, showWaiting } from './answer.ts';
import { Bundles } from './bundles.ts';
import { announce, element, show, write } from './elements.ts';
import { type Picture, preview, watchPictures } from './picture.ts';
import { hideProblem, showProblem } from './problem.ts';
import { showServerView } from './server-view.ts';
import { obstacle } from './support.ts';
import { showTimeline } from './timeline.ts';

/** How often a picture waits for a bundle that another tab then takes. */
const ATTEMPTS = 3;

/** The model that answers. */
interface Session {
  readonly client: BrowserClient;
  readonly card: ModelCard;
  readonly bundles: Bundles;
}

let session: Session | undefined;
/** The picture to be answered next: the last one that came. */
let wanted: Picture | undefined;
let answering = false;

/** `wss://HOST:PORT` of the server of the models. */
function serverAddress(): string {
  const said = document.querySelector<HTMLMetaElement>('meta[name=sphynx-server]')?.content;
  return said || location.origin.replace(/^http/, 'ws');
}

async function open(token?: string): Promise<void> {
  const address = serverAddress();
  write('server', 'connecting …');
  try {
    const client = await connect(address, { token });
    const names = [...new Set((await client.models()).map(({ name }) => name))];
    element('model').replaceChildren(...names.map((name) => new Option(name)));
    show('model-choice', names.length > 1);
    await choose(client, names[0]);
    element('server-light').classList.add('on');
    write('server', `connected to ${new URL(address).host}`);
    hideProblem();
    show('desk');
  } catch (error) {
    write('server', 'not connected');
    showProblem(error, () => open(token));
  }
}

async function choose(client: BrowserClient, model: string): Promise<void> {
  const card = await client.modelCard(model);
  session = { client, card, bundles: new Bundles(client, model) };
  await session.bundles.refresh();
}

/** Answers the picture, and those that come meanwhile; of several the last one. */
async function answer(picture: Picture): Promise<void> {
  hideProblem();
  preview(picture);
  wanted = picture;
  if (answering || !session) return;
  answering = true;
  try {
    while (wanted) await answerWanted(session);
  } catch (error) {
    showAnswerState('empty');
    const again = wanted ?? picture;
    if (!stopped(error)) showProblem(error, () => answer(again));
  } finally {
    wanted = undefined;
    answering = false;
  }
}

async function answerWanted({ client, card, bundles }: Session): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const picture = wanted as Picture;
    const { width, height, data } = await pixelsOf(
      picture.blob,
      card.preprocessing.width,
      card.preprocessing.height,
    );
    const image = new ImageData(new Uint8ClampedArray(data), width, height);
    let segments: PassedSegment[] = [];
    const onSegment = (segment: PassedSegment) => {
      // A bundle that was refused leaves nothing to show.
      if (segment.kind === 'masked-input' && segment.offset === 0) segments = [];
      segments.push(segment);
    };
    showAnswerState('asking');
    try {
      const result = await client.classify(image, { model: card.name, onSegment });
      if (wanted === picture) wanted = undefined;
      showAnswer(result);
      showServerView(card, image, segments);
      showTimeline(card, segments);
      return;
    } catch (error) {
      if (!(error instanceof SphynxError) || error.code !== 'bundle/none' || attempt === ATTEMPTS)
        throw error;
      showWaiting('No bundle is ready, so one is made for this picture first.');
      await bundles.next();
    } finally {
      await bundles.refresh().catch(() => {});
    }
  }
}

async function prepare(): Promise<void> {
  hideProblem();
  try {
    await session?.bundles.prepare(element<HTMLInputElement>('count').valueAsNumber);
  } catch (error) {
    if (!stopped(error)) showProblem(error, prepare);
  }
}

async function clear(): Promise<void> {
  try {
    await session?.bundles.clear();
  } catch (error) {
    showProblem(error, clear);
  }
}

/** Whether the visitor stopped it. */
function stopped(error: unknown): boolean {
  return error instanceof SphynxError && error.code === 'aborted';
}

function listen(): void {
  watchPictures(answer, showProblem);
  element('prepare').addEventListener('submit', (event) => {
    event.preventDefault();
    prepare();
  });
  element('prepare-stop').addEventListener('click', () => {
    session?.bundles.stop();
    announce('Stopped');
  });
  element('clear').addEventListener('click', clear);
  element('model').addEventListener('change', async ({ target }) => {
    if (session) await choose(session.client, (target as HTMLSelectElement).value).catch(showProblem);
  });
  element('identity').addEventListener('submit', (event) => {
    event.preventDefault();
    open(element<HTMLInputElement>('token').value);
  });
}

show('old', false);
const missing = obstacle();
if (missing) {
  write('problem-title', missing.title);
  write('problem-advice', missing.advice);
  show('problem');
} else {
  listen();
  open();
}
