/** The page: takes pictures, shows answers, and shows what the server received. */
import {
  answerInWords,
  type BrowserClient,
  connect,
  inputInWords,
  type ModelCard,
  type ModelSummary,
  type PassedSegment,
  pixelsOf,
  SphynxError,
} from '../browser/index.ts';
import { showAnswer, showAnswerState, showWaiting } from './answer.ts';
import { Bundles } from './bundles.ts';
import { announce, element, show, showConnection, write } from './elements.ts';
import { type Picture, preview, watchPictures } from './picture.ts';
import { hideProblem, showObstacle, showProblem } from './problem.ts';
import { size, whole } from './quantities.ts';
import { showServerView } from './server-view.ts';
import { obstacle } from './support.ts';
import { showTimeline } from './timeline.ts';

/** How often a picture waits again after another tab took its bundle. */
const ATTEMPTS = 3;

/** The model in use. */
interface Session {
  readonly client: BrowserClient;
  readonly card: ModelCard;
  readonly bundles: Bundles;
}

let session: Session | undefined;
/** The picture to be classified next: the latest one. */
let wanted: Picture | undefined;
let answering = false;
/** Counts the models that were chosen: only the latest one comes into use. */
let choices = 0;

/** `wss://HOST:PORT` of the server of the models. */
function serverAddress(): string {
  const said = document.querySelector<HTMLMetaElement>('meta[name=sphynx-server]')?.content;
  return said || location.origin.replace(/^http/, 'ws');
}

async function open(token?: string): Promise<void> {
  hideProblem();
  showConnection('connecting …', false);
  let client: BrowserClient | undefined;
  try {
    client = await connect(serverAddress(), { token });
    show('bundles-stay', client.durable);
    show('bundles-end', !client.durable);
    await offerModels(client);
    showConnected();
    show('desk');
  } catch (error) {
    client?.close();
    showConnection('not connected', false);
    complain(error, () => open(token));
  }
}

/** Selects the server's first model that takes pictures, and lets visitors choose if there are others. */
async function offerModels(client: BrowserClient): Promise<void> {
  const models = (await client.models()).sort(
    (a, b) => Number(a.inputKind !== 'picture') - Number(b.inputKind !== 'picture'),
  );
  // The first of several versions is the current one.
  const names = [...new Set(models.map(({ name }) => name))];
  const choose = (name: string) => use(client, models.find((model) => model.name === name) as ModelSummary);
  const choice = element<HTMLSelectElement>('model');
  choice.replaceChildren(...names.map((name) => new Option(name)));
  choice.onchange = () => choose(choice.value).catch(complain);
  show('model-choice', names.length > 1);
  await choose(names[0]);
}

function showConnected(): void {
  showConnection(`connected to ${new URL(serverAddress()).host}`, true);
}

/** Uses a model of the client's server in place of the earlier one, and the client in place of an earlier one. */
async function use(client: BrowserClient, summary: ModelSummary): Promise<void> {
  const choice = ++choices;
  session?.bundles.stop();
  const card = await client.modelCard(summary.name);
  if (choice !== choices) return;
  if (session?.client !== client) session?.client.close();
  write('model-facts', factsOf(card));
  for (const id of ['drop', 'ways-in', 'samples']) show(id, card.inputKind === 'picture');
  const bundles = new Bundles(client, card, summary);
  session = { client, card, bundles };
  await bundles.refresh();
}

/** Describes the model's input and answer in a sentence. */
function factsOf({ name, inputKind, input, head, labels }: ModelCard): string {
  const takes = inputInWords(inputKind, input);
  if (inputKind !== 'picture')
    return `${name} takes ${takes}, not pictures: this page cannot use it, but a program with the client library can.`;
  const grey = input.channels === 1 ? ' in grey' : '';
  const count = whole(labels.length);
  const knows = {
    softmax: `knows ${count} kinds of things`,
    sigmoid: `knows ${count} kinds of things`,
    'multi-label': `knows ${count} independent labels`,
    values: `answers with ${answerInWords(head, labels.length)}`,
  };
  return `${name} ${knows[head]}, and looks at ${size(input.width, input.height)}${grey}.`;
}

/** Classifies the picture, and then the latest one that arrived meanwhile. */
async function answer(picture: Picture): Promise<void> {
  hideProblem();
  preview(picture);
  // On a phone the answer is below the picture.
  element('answer').scrollIntoView({ block: 'nearest' });
  wanted = picture;
  if (answering || !session) return;
  answering = true;
  try {
    while (wanted) await answerWanted(session);
  } catch (error) {
    const again = wanted ?? picture;
    showAnswerState('empty');
    // These panels belong to another picture.
    show('view', false);
    show('rounds', false);
    complain(error, () => answer(again));
  } finally {
    wanted = undefined;
    answering = false;
  }
}

async function answerWanted({ client, card, bundles }: Session): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const picture = wanted as Picture;
    const { width, height } = card.preprocessing;
    if (card.inputKind !== 'picture') throw new SphynxError('input/invalid', factsOf(card).slice(0, -1));
    const { data } = await pixelsOf(picture.blob, width, height);
    const image = new ImageData(new Uint8ClampedArray(data), width, height);
    let segments: PassedSegment[] = [];
    const onSegment = (segment: PassedSegment) => {
      // A refused bundle leaves nothing to show.
      if (segment.kind === 'masked-input' && segment.offset === 0) segments = [];
      segments.push(segment);
    };
    showAnswerState('asking');
    try {
      const result = await client.classify(image, { model: card.name, onSegment });
      if (wanted === picture) wanted = undefined;
      showConnected();
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

/** Prepares the number of bundles in the form, or stops the running preparation. */
async function prepareOrStop(): Promise<void> {
  if (!session) return;
  if (session.bundles.preparing) {
    session.bundles.stop();
    return;
  }
  hideProblem();
  try {
    await session.bundles.prepare(element<HTMLInputElement>('count').valueAsNumber);
    showConnected();
  } catch (error) {
    complain(error, prepareOrStop);
  }
}

async function clear(): Promise<void> {
  try {
    await session?.bundles.clear();
    element('count').focus();
  } catch (error) {
    complain(error, clear);
  }
}

/** Shows an error, unless the visitor stopped the operation. */
function complain(error: unknown, retry?: () => void): void {
  const code = error instanceof SphynxError ? error.code : 'internal';
  if (code === 'server/unreachable') showConnection('not connected', false);
  if (code === 'aborted') announce('Stopped');
  else showProblem(error, code === 'internal' ? undefined : retry);
}

function listen(): void {
  watchPictures(answer, complain);
  element('prepare').addEventListener('submit', (event) => {
    event.preventDefault();
    prepareOrStop();
  });
  element('clear').addEventListener('click', clear);
  element('identity').addEventListener('submit', (event) => {
    event.preventDefault();
    open(element<HTMLInputElement>('token').value);
  });
}

show('old', false);
const missing = obstacle();
if (missing) showObstacle(missing);
else {
  listen();
  open();
}
