import { changeBytes } from './byte-mutations.ts';
import { type Codec, codecOf } from './codec.ts';
import type { Dialogue } from './dialogues.ts';
import { changeField, swapFields } from './field-mutations.ts';
import { FRAME_FAULTS, type FrameFault } from './frame-fault.ts';
import { Choices } from './random.ts';

/**
 * How the attacker ends the call: after its last message; at once, by cancelling or by an error; or never, so that only
 * the victim's deadline ends it.
 */
export type Ending = 'orderly' | 'cut' | 'silence';

/** The client's token in the metadata. */
export type TokenKind = 'right' | 'missing' | 'malformed' | 'double';

/** One attack: a dialogue with mutations. */
export interface Case {
  readonly number: number;
  readonly dialogue: Dialogue;
  readonly messages: readonly Buffer[];
  readonly ending: Ending;
  readonly token: TokenKind;
  /** The transport of the messages. */
  readonly edge: 'grpc' | 'web';
  /** A fault in the WebSocket frames. */
  readonly fault: FrameFault | undefined;
  /** The mutations of the dialogue, in words. */
  readonly mutations: readonly string[];
}

/** A dialogue while it is being changed. */
interface Draft {
  readonly codec: Codec;
  readonly dialogue: Dialogue;
  /** The same dialogue of another session, with other keys. */
  readonly foreign: Dialogue;
  /** Messages of other calls, and of the other direction. */
  readonly strange: readonly Buffer[];
  readonly messages: Buffer[];
}

type Mutation = (draft: Draft, place: number, choices: Choices) => void;

/** Changes of the order of messages, and messages that belong elsewhere. */
const ORDER: Record<string, Mutation> = {
  drop: ({ messages }, place) => messages.splice(place, 1),
  duplicate: ({ messages }, place) => messages.splice(place, 0, messages[place]),
  swap: ({ messages }, place, choices) => {
    const other = choices.below(messages.length);
    [messages[place], messages[other]] = [messages[other], messages[place]];
  },
  replay: ({ messages }, place, choices) => {
    messages.splice(place, choices.below(2), messages[choices.below(place + 1)]);
  },
  foreign: ({ messages, foreign }, place) => {
    messages[place] = foreign.messages[Math.min(place, foreign.messages.length - 1)];
  },
  strange: ({ messages, strange }, place, choices) => {
    messages.splice(place, choices.below(2), choices.of(strange));
  },
  end: ({ messages }, place) => messages.splice(place),
};

/** Changes inside one message. */
const CONTENT: Record<string, Mutation> = {
  field: ({ codec, messages }, place, choices) => {
    messages[place] = changeField(codec, messages[place], choices);
  },
  fields: ({ codec, messages }, place, choices) => {
    messages[place] = swapFields(codec, messages[place], choices);
  },
  bytes: ({ messages }, place, choices) => {
    messages[place] = changeBytes(messages[place], choices);
  },
};

/** Share of the cases over WebSocket, and the share of these with malformed frames. */
const WEB = 0.25;
const FAULTS = 0.25;

/** Two of this number of cases fall silent: they last until the victim's deadline, and others run meanwhile. */
const SILENT_EVERY = 4000;

/** Makes the cases of one seed: case `number` is always the same, up to keys and ciphertexts. */
export class Cases {
  readonly #seed: number;
  readonly #dialogues: readonly Dialogue[];
  readonly #foreign: readonly Dialogue[];

  /** @param foreign the dialogues of another session, in the same order */
  constructor(seed: number, dialogues: readonly Dialogue[], foreign: readonly Dialogue[]) {
    this.#seed = seed;
    this.#dialogues = dialogues;
    this.#foreign = foreign;
  }

  case(number: number): Case {
    const choices = new Choices(this.#seed, number);
    const which = choices.weighted(this.#dialogues.map(({ share }) => share));
    const dialogue = this.#dialogues[which];
    const draft: Draft = {
      codec: codecOf(dialogue.victim, dialogue.method),
      dialogue,
      foreign: this.#foreign[which],
      strange: this.#dialogues.filter((other) => other !== dialogue).flatMap(({ messages }) => messages),
      messages: [...dialogue.messages],
    };
    const streams = dialogue.method === 'Preprocess' || dialogue.method === 'Infer';
    const mutations: string[] = [];
    for (let count = choices.weighted([0, 80, 15, 5]); count > 0; count--)
      mutations.push(mutate(draft, streams, choices));
    const silent = number % SILENT_EVERY < 2;
    const wrongToken = dialogue.victim === 'server' && streams && choices.chance(0.02);
    const ending = !streams ? 'orderly' : silent ? 'silence' : choices.chance(0.03) ? 'cut' : 'orderly';
    const token = wrongToken ? choices.of(['missing', 'malformed', 'double'] as const) : 'right';
    const edge = choices.chance(WEB) ? 'web' : 'grpc';
    const faulty = edge === 'web' && token === 'right' && choices.chance(FAULTS);
    const fault = faulty ? faultIn(draft.messages, choices) : undefined;
    if (edge === 'web') mutations.push('over WebSocket');
    if (fault) mutations.push(`${fault.what} ${fault.place}`);
    return { number, dialogue, messages: draft.messages, ending, token, edge, fault, mutations };
  }
}

/** Chooses a malformed frame at an existing message, or a malformed header. */
function faultIn(messages: readonly Buffer[], choices: Choices): FrameFault | undefined {
  if (messages.length === 0) return undefined;
  const what = choices.of(FRAME_FAULTS);
  return {
    what,
    place: what.endsWith('header') && what !== 'second header' ? 0 : choices.below(messages.length),
  };
}

/** Applies one mutation at a position chosen by the dialogue's weights; returns its description. */
function mutate(draft: Draft, streams: boolean, choices: Choices): string {
  const { messages, dialogue } = draft;
  if (messages.length === 0) return 'none';
  const place = choices.weighted(dialogue.weights.slice(0, messages.length));
  const table = streams && choices.chance(0.35) ? ORDER : CONTENT;
  const name = choices.of(Object.keys(table));
  table[name](draft, place, choices);
  return `${name} ${place}`;
}
