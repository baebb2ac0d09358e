import { randomSeed } from '../crypto/prg.ts';
import { randomModel } from '../model/random.ts';
import type { Channel } from './channel.ts';
import { memoryChannel } from './memory-channel.ts';
import { prepareClient, prepareServer } from './offline.ts';
import { makePlan } from './plan.ts';
import type { Pause } from './rehearsal.ts';
import { closeSession, openClientSession, openServerSession } from './session.ts';

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
