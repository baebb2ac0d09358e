import type { Plan } from '../../protocol/plan.ts';
import type { Segment } from '../../protocol/segment.ts';
import { summarize } from '../../server/models.ts';
import { encodeSegment } from '../../transport/stream-channel.ts';
import { codecOf, type Message, type Method, type Victim } from './codec.ts';
import { PLACEHOLDERS } from './placeholders.ts';
import type { Transcript } from './transcript.ts';

/** The messages of the victim's peer in one honest call. */
export interface Dialogue {
  readonly name: string;
  readonly victim: Victim;
  readonly method: Method;
  /**
   * Whether the session's keys and base transfers are part of it. If not, the victim already has them, because they
   * take 100 ms each time.
   */
  readonly opensSession: boolean;
  readonly messages: readonly Buffer[];
  /** The plan, and the Delta of the victim's session if it is the recorded one. */
  readonly transfers: { readonly plan: Plan; readonly delta: Uint8Array | undefined };
  /** For each message to a client, the number of its own messages before it: earlier delivery is out of order. */
  readonly repliesTo: readonly number[];
  /** Weights with which messages are attacked: the first ones cost little. */
  readonly weights: readonly number[];
  /** Share of all cases. */
  readonly share: number;
}

/** Returns all dialogues. The shares are the same for the same transcript, whatever its keys. */
export function dialoguesOf(transcript: Transcript): Dialogue[] {
  const { network, plan, session, bundle, online, bundleSecrets } = transcript;
  const { card } = network;
  const model = { model: card.name, modelHash: card.hash, planHash: plan.hash };
  const quote = { offlineBytes: 1, onlineBytes: 1, offlineProcessorMs: 1, expectedWaitMs: 1 };
  const bundleId = PLACEHOLDERS.own;
  const summary = summarize(card, quote);
  const hello = { hello: { ...model, count: 1, lost: ['a'.repeat(32)] } };
  const accepted = { accepted: { session: 'a'.repeat(32), quote, bundleLifetimeSeconds: 60 } };
  const bundleUp = [{ begin: {} }, ...segments(bundle.up), { commit: { bundleId } }];
  const bundleDown = [
    { offer: { bundleId, expiresAtMs: 1 } },
    ...segments(bundle.down),
    { ready: { bundleId } },
  ];
  const opening = [1, ...session.upBefore.map((count) => 1 + count)];
  /**
   * `before`: what the client says to open its session, hello among it. A client whose session is open has said its
   * trees too, which come with the first bundle otherwise.
   */
  const preparing = (before: number, said: readonly Segment[]) => [
    before + 1,
    ...bundle.upBefore.map(
      (count) => before + 1 + said.filter((each) => bundle.up.indexOf(each) < count).length,
    ),
    before + 1 + said.length + 1,
  ];
  const withoutTrees = bundle.up.filter(({ kind }) => kind !== 'ot-trees');
  const dialogue = dialogueWith(plan, bundleSecrets.delta);
  const cardAnswer = {
    cardJson: JSON.stringify(card),
    modelHash: card.hash,
    planHash: plan.hash,
    quote,
    setting: plan.setting,
  };
  return [
    dialogue('list', 'server', 'ListModels', 0.07, [{}]),
    dialogue('card', 'server', 'GetModelCard', 0.09, [{ model: card.name }]),
    dialogue(
      'session',
      'server',
      'Preprocess',
      0.03,
      [hello, ...segments(session.up), ...bundleUp],
      [8, 60, 20, 4, 2],
    ),
    dialogue('bundle', 'server', 'Preprocess', 0.18, [hello, ...bundleUp]),
    dialogue(
      'inference',
      'server',
      'Infer',
      0.28,
      [{ spend: { ...model, bundleId } }, ...segments(online.up)],
      [3],
    ),
    dialogue('list', 'client', 'ListModels', 0.07, [{ models: [summary], serverTimeMs: 1 }]),
    dialogue('card', 'client', 'GetModelCard', 0.09, [cardAnswer]),
    dialogue(
      'session',
      'client',
      'Preprocess',
      0.01,
      [accepted, ...segments(session.down), ...bundleDown],
      [5, 10, 60, 1],
      [...opening, ...preparing(1 + session.up.length, bundle.up)],
    ),
    dialogue(
      'bundle',
      'client',
      'Preprocess',
      0.07,
      [accepted, ...bundleDown],
      [1],
      [1, ...preparing(1, withoutTrees)],
    ),
    dialogue(
      'inference',
      'client',
      'Infer',
      0.11,
      [{ spending: {} }, ...segments(online.down)],
      [1],
      [1, ...online.upBefore.map((count) => 1 + count)],
    ),
  ];
}

/** `weights` of the first messages; of those after them 1 where some are given for one message only, else 0. */
const dialogueWith =
  (plan: Plan, delta: Uint8Array) =>
  (
    name: string,
    victim: Victim,
    method: Method,
    share: number,
    messages: readonly Message[],
    weights: readonly number[] = [1],
    repliesTo: readonly number[] = [],
  ): Dialogue => {
    const { encode } = codecOf(victim, method);
    const rest = weights.length === 1 ? 1 : 0;
    const opensSession = name === 'session';
    return {
      name: `${victim}/${method}/${name}`,
      victim,
      method,
      opensSession,
      messages: messages.map(encode),
      transfers: { plan, delta: opensSession ? undefined : delta },
      repliesTo,
      weights: messages.map((_, i) => weights[i] ?? rest),
      share,
    };
  };

function segments(said: readonly Segment[]): Message[] {
  return said.map((segment) => ({ segment: encodeSegment(segment) }));
}
