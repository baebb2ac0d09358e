import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { deviations, measureNetwork, startEchoServer } from '../../bench/network/accuracy.ts';
import { Link } from '../../bench/network/link.ts';
import { TcpProxy } from '../../bench/network/tcp-proxy.ts';
import { networkProfile, PROFILES } from '../../transport/network-profiles.ts';

test('a message arrives after its delay and the time that its bytes take', () => {
  const link = new Link(8_000_000, 20); // a byte per microsecond
  assert.equal(link.send(1000, 0), 21);
  assert.equal(link.send(1000, 0), 22); // behind the first
  assert.equal(link.send(500, 100), 120.5); // the link was free
});

test('a link never exceeds its rate and never delivers early or out of order', () => {
  const messages = fc.array(
    fc.record({ bytes: fc.integer({ min: 1, max: 1e6 }), pause: fc.integer({ min: 0, max: 50 }) }),
  );
  fc.assert(
    fc.property(
      messages,
      fc.integer({ min: 1e5, max: 1e10 }),
      fc.integer({ min: 0, max: 100 }),
      (all, rate, delay) => {
        const link = new Link(rate, delay);
        let now = 0;
        let before = Number.NEGATIVE_INFINITY;
        for (const { bytes, pause } of all) {
          now += pause;
          const arrival = link.send(bytes, now);
          const took = (8000 * bytes) / rate;
          assert.ok(arrival >= now + delay + took - 1e-6);
          assert.ok(arrival - before >= took - 1e-6);
          before = arrival;
        }
      },
    ),
  );
});

test('networks go by name or by round trip and rates, and others are refused', () => {
  for (const profile of PROFILES) assert.equal(networkProfile(profile.name), profile);
  assert.deepEqual(networkProfile('20,50,200.5'), {
    name: '20,50,200.5',
    rttMs: 20,
    upRate: 50e6,
    downRate: 200.5e6,
  });
  for (const name of ['', 'moon', '20', '20,50', '20,0,5', '99999,1,1', '-1,1,1'])
    assert.throws(() => networkProfile(name), { code: 'config/invalid' }, name);
});

test('the proxy passes data completely in both directions, and then its end', async () => {
  const echo = await startEchoServer();
  const proxy = await TcpProxy.start(echo.port, networkProfile('1,400,400'));
  after(async () => {
    await proxy.stop();
    echo.stop();
  });
  const socket = connect(proxy.port, '127.0.0.1');
  const [up, down] = [3_000_000, 2_000_000];
  const request = Buffer.alloc(8 + up);
  request.writeUInt32LE(up, 0);
  request.writeUInt32LE(down, 4);
  socket.write(request);
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
    if (received === down) socket.end();
  });
  await once(socket, 'close');
  assert.equal(received, down);
});

test('a network matches its profile within 5 %, and a short round trip within the overhead of the machine', () => {
  const lan = networkProfile('lan'); // 0.5 ms, 1 Gbit/s
  const measured = (rttMs: number, up: number, down: number) => ({
    ...{ profile: 'lan', rttMs, upRate: up * lan.upRate, downRate: down * lan.downRate },
  });
  const wrong = (rttMs: number, up: number, down: number) =>
    deviations(measured(rttMs, up, down), lan).length;
  assert.equal(wrong(0.5, 1, 1), 0);
  assert.equal(wrong(0.545, 0.96, 1.04), 0);
  assert.equal(wrong(0.56, 1, 1), 1);
  assert.equal(wrong(0.44, 1, 1), 1);
  assert.equal(wrong(0.5, 0.94, 1), 1);
  assert.equal(wrong(0.6, 1.06, 0.9), 3);
  const wan = networkProfile('wan');
  assert.equal(deviations({ ...wan, profile: 'wan', rttMs: 42.1 }, wan).length, 1);
  assert.equal(deviations({ ...wan, profile: 'wan', rttMs: 41.9 }, wan).length, 0);
});

test('on a real connection the proxy is never faster than its profile', async () => {
  const profile = networkProfile('30,20,40');
  const echo = await startEchoServer();
  const proxy = await TcpProxy.start(echo.port, profile);
  const { rttMs, upRate, downRate } = await measureNetwork(proxy.port, profile);
  await proxy.stop();
  echo.stop();
  // A busy machine makes it slower, by any factor: the bench, on an idle one, asks for 5 %.
  assert.ok(rttMs > 0.95 * profile.rttMs, `${rttMs}`);
  for (const [is, named] of [
    [upRate, profile.upRate],
    [downRate, profile.downRate],
  ])
    assert.ok(is > 0 && is < 1.1 * named, `${is}`);
});
