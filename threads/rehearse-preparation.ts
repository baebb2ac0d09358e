import { randomSeed } from '../crypto/prg.ts';
import { randomModel } from '../fixtures/sphynx-network.ts';
import type { Channel } from '../protocol/channel.ts';
import { memoryChannel } from '../protocol/memory-channel.ts';
import { prepareClient, prepareServer } from '../protocol/offline.ts';
import { makePlan } from '../protocol/plan.ts';
import { closeSession, openClientSession, openServerSession } from '../protocol/session.ts';
import type { Pause } from './rehearse-inference.ts';

/** A small network, because the rehearsed code is the same for all networks. */
const SHAPE = { C: 2, D: 2, reduceAt: [0], size: 8, classes: 10 };

/** Opens a session and prepares one bundle of a small random network, both halves in this thread, and keeps nothing. */
export async function rehearsePreparation(pause: Pause): Promise<void> {
  const network = randomModel(SHAPE);
  const plan = makePlan(network.card);
  const ends = memoryChannel();
  const [client, server] = [pausing(ends.client, pause), pausing(ends.server, pause)];
  // If one half stops, the other one stops too.
  const play = <Result>(half: Promise<Result>): Promise<Result> =>
    half.catch((error) => {
      ends.client.close();
      throw error;
    });
  const sessions = await Promise.allSettled([
    play(openClientSession(client)),
    play(openServerSession(server)),
  ]);
  const [own, other] = sessions;
  try {
    if (own.status === 'rejected' || other.status === 'rejected') return;
    const nowhere = { write: () => {} };
    await Promise.allSettled([
      play(prepareClient(own.value, plan, client, nowhere)),
      play(prepareServer(other.value, plan, network, server, randomSeed())),
    ]);
  } finally {
    for (const session of sessions) if (session.status === 'fulfilled') closeSession(session.value);
  }
}

function pausing(channel: Channel, pause: Pause): Channel {
  return {
    send: (segment) => channel.send(segment),
    async receive() {
      await pause();
      return channel.receive();
    },
  };
}
