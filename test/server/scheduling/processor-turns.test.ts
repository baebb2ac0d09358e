import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { OnlineFlag } from '../../../server/scheduling/online-flag.ts';
import { ProcessorTurns } from '../../../server/scheduling/processor-turns.ts';

/** Turns on a clock that only the test moves. */
function turnsAt(online = new OnlineFlag(), tolerated = 0) {
  const clock = { ms: 0 };
  return { clock, turns: new ProcessorTurns({ online, tolerated, clock: () => clock.ms }) };
}

test('clients that want it share the processor equally, whatever their pieces of work and streams are', async () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { minLength: 2, maxLength: 4 }), async (clients) => {
      const { clock, turns } = turnsAt();
      const used = clients.map(() => 0);
      const longest = Math.max(...clients.flat());
      let working = true;
      const stream = async (client: number, ms: number) => {
        const part = turns.join(String(client));
        while (working) {
          await turns.take(String(client));
          if (working) {
            clock.ms += ms;
            used[client] += ms;
            if (Math.max(...used) > 20 * longest) working = false;
          }
          turns.give();
        }
        part();
      };
      await Promise.all(clients.flatMap((streams, client) => streams.map((ms) => stream(client, ms))));
      assert.ok(Math.max(...used) - Math.min(...used) <= 2 * longest, `${used} of pieces ${longest}`);
    }),
    { numRuns: 30 },
  );
});

test('a new client neither waits for the earlier use of others nor gets credit for it', async () => {
  const { clock, turns } = turnsAt();
  const part = turns.join('old');
  await turns.take('old');
  clock.ms += 1000;
  turns.give();
  turns.join('new');
  const order: string[] = [];
  const run = async (client: string) => {
    await turns.take(client);
    order.push(client);
    clock.ms += 10;
    turns.give();
  };
  await run('new');
  await Promise.all([run('new'), run('new'), run('old'), run('old')]);
  part();
  assert.equal(order.indexOf('old') < 3, true, `${order}`);
});

test('a client that leaves and comes back has still used what it used', async () => {
  const { clock, turns } = turnsAt();
  const use = async (client: string, ms: number) => {
    await turns.take(client);
    clock.ms += ms;
    turns.give();
  };
  const steady = turns.join('steady');
  const used = { steady: 0, restless: 0 };
  const restless = async () => {
    for (let session = 0; session < 20; session++) {
      const leave = turns.join('restless');
      await use('restless', 50);
      used.restless += 50;
      leave();
    }
  };
  const working = async () => {
    for (let piece = 0; piece < 100; piece++) {
      await use('steady', 5);
      used.steady += 5;
    }
  };
  const over = restless();
  await working();
  assert.ok(used.restless <= used.steady + 50, JSON.stringify(used));
  await over;
  steady();
});

test('a role waits while more inferences run than are tolerated, but never for good', async () => {
  const online = new OnlineFlag();
  const { clock, turns } = turnsAt(online, 1);
  const leave = online.enter();
  await turns.take('a');
  clock.ms += 1e6;
  turns.give();
  const leaveToo = online.enter();
  let granted = false;
  const second = turns.take('a').then(() => {
    granted = true;
  });
  await delay(20);
  assert.equal(granted, false, 'two inferences run');
  leaveToo();
  await second;
  clock.ms += 1;
  turns.give();
  online.enter();
  await turns.take('a');
  turns.give();
  leave();
});

test('inferences are counted by every thread that shares the flag', async () => {
  const online = new OnlineFlag();
  const seen = new OnlineFlag(online.shared);
  const leave = online.enter();
  assert.equal(seen.running, 1);
  const quiet = seen.quiet(0, 60_000);
  leave();
  await quiet;
  assert.equal(seen.running, 0);
});
