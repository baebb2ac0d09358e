/** Faults: peers and networks that stall, trickle and lose data. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../cluster/outcome.ts';
import { spendingOf } from './crashes.ts';
import { type Fault, type Injected, SERVER_IDLE_MS, type Stage, until, type Victim } from './stage.ts';

/** Bytes per second of a stream that makes no real progress. */
const LORIS = 20;

/** Connections that send a byte occasionally, and the pause between two bytes (ms). */
const RAW = { connections: 50, pauseMs: 1000 };

/** How long servers may keep them (ms): gRPC probes a silent connection after 30 s and waits 10 s for the answer. */
const RAW_MS = 45_000;

/** Bytes per second at which an inference takes a second or more. */
const SLOW = 20_000;

/** Positions in a conversation at which it is broken: bytes after its beginning. */
const PLACES = [100, 5000, 40_000, 150_000];

/** Time in which a client notices that its connection is lost (ms). */
const RECONNECTED_MS = 500;

const BROKEN = ['server/unreachable', 'protocol/closed', 'protocol/deadline'];

export const PEERS: readonly Fault[] = [
  {
    name: 'a client that reads nothing while it prepares',
    codes: [...BROKEN, 'bundle/unknown'],
    inject: (stage) =>
      stalled(stage, async (victim) => {
        const call = victim.prepare(4);
        await until('a bundle in preparation', () => victim.bundles('partial').length > 0);
        return { call };
      }),
  },
  {
    name: 'a client that reads nothing in an inference',
    codes: BROKEN,
    inject: (stage) =>
      stalled(stage, async (victim) => {
        await victim.prepare(1);
        victim.link.slowDown(SLOW, 'down');
        const call = victim.classify();
        await spendingOf(stage, victim);
        return { call };
      }),
  },
  {
    name: 'a stream that trickles (slow loris)',
    codes: BROKEN,
    inject: (stage) =>
      withVictim(stage, async (victim) => {
        victim.link.slowDown(LORIS, 'up');
        const told = [await victim.prepare(1)];
        victim.link.slowDown(Number.POSITIVE_INFINITY, 'up');
        victim.link.cut();
        await delay(RECONNECTED_MS);
        return [...told, await victim.classify()];
      }),
  },
  {
    name: 'connections that trickle (slow loris)',
    codes: [],
    async inject(stage) {
      const over = Date.now();
      const port = Number(stage.cluster.address.split(':')[1]);
      const sockets = Array.from({ length: RAW.connections }, (_, i) => trickle(port, i % 2 === 0));
      await until(
        'the end of connections that say nothing',
        () => sockets.every((socket) => socket.closed),
        RAW_MS,
      );
      return { over, told: [] };
    },
  },
  {
    name: 'connections cut in the middle of a message',
    codes: [...BROKEN, 'bundle/none'],
    inject: (stage) => broken(stage, (victim, bytes, way) => victim.link.cutAfter(bytes, way)),
  },
  {
    name: 'bytes lost in the middle of a message',
    // Bytes that still parse as messages are not what the protocol expects there.
    codes: [...BROKEN, 'protocol/format', 'protocol/length', 'protocol/order', 'crypto/input'],
    inject: (stage) => broken(stage, (victim, bytes) => victim.link.lose(100, bytes)),
  },
];

async function withVictim(stage: Stage, act: (victim: Victim) => Promise<Outcome[]>): Promise<Injected> {
  const victim = await stage.victim();
  const over = Date.now();
  try {
    return { over, told: await act(victim) };
  } finally {
    await victim.end();
  }
}

/** Suspends the whole client with its connection open: the servers must drop it. */
function stalled(
  stage: Stage,
  begin: (victim: Victim) => Promise<{ call: Promise<Outcome> }>,
): Promise<Injected> {
  return withVictim(stage, async (victim) => {
    const { call } = await begin(victim);
    const before = givenUp(stage);
    victim.signal('SIGSTOP');
    await until('the end of a silent call', () => givenUp(stage) > before, 2 * SERVER_IDLE_MS);
    victim.signal('SIGCONT');
    victim.link.slowDown(Number.POSITIVE_INFINITY, 'down');
    return [await call, await victim.classify()];
  });
}

/** Counts the calls that servers have ended at their deadline. */
function givenUp(stage: Stage): number {
  return stage.logs.join('').split('"code":"protocol/deadline"').length;
}

/** Breaks preparations and inferences at several positions; afterwards the client must work normally. */
function broken(
  stage: Stage,
  breakAfter: (victim: Victim, bytes: number, way: 'up' | 'down') => void,
): Promise<Injected> {
  return withVictim(stage, async (victim) => {
    const told: Outcome[] = [];
    for (const bytes of PLACES)
      for (const way of ['up', 'down'] as const) {
        breakAfter(victim, bytes, way);
        told.push(await victim.prepare(1));
        breakAfter(victim, bytes, way);
        told.push(await victim.classify());
        victim.link.cut();
      }
    return [...told, await victim.classify()];
  });
}

/** A connection that sends the first bytes of HTTP/2 one by one and then zeros, or nothing at all. */
function trickle(port: number, silent: boolean): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  // Without reading, it would not notice the end of the connection.
  socket.resume();
  const drip = async () => {
    for (let i = 0; !socket.closed; i++) {
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'[i] ?? '\0');
      await delay(RAW.pauseMs);
    }
  };
  if (!silent) drip();
  return socket;
}
