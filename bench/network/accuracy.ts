import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { NetworkProfile } from '../../transport/network-profiles.ts';
import { median } from '../statistics.ts';

/** Measured round trip and rates of an emulated network. */
export interface Accuracy {
  readonly profile: string;
  readonly rttMs: number;
  readonly upRate: number;
  readonly downRate: number;
}

const ECHOES = 30;
/** How long one direction is saturated (s). */
const SECONDS = 1;

/** One reused buffer, because allocating new memory would take time. */
const PIECE = Buffer.alloc(2 ** 18);

/** Tolerated deviation of round trip and rates, as a share of the profile's, */
const TOLERANCE = 0.05;

/** and of a round trip in any case (ms): the overhead of two processes and the loopback device. */
const OWN_RTT_MS = 0.05;

/** Describes for people the figures in which a network deviates from its profile; empty if there are none. */
export function deviations(measured: Accuracy, profile: NetworkProfile): string[] {
  const { rttMs, upRate, downRate } = profile;
  const off = (is: number, should: number, least = 0) =>
    Math.abs(is - should) > Math.max(TOLERANCE * should, least);
  const wrong = {
    'round trip': off(measured.rttMs, rttMs, OWN_RTT_MS),
    'rate up': off(measured.upRate, upRate),
    'rate down': off(measured.downRate, downRate),
  };
  return Object.entries(wrong).flatMap(([what, isOff]) =>
    isOff ? [`${what} off by more than ${100 * TOLERANCE} %`] : [],
  );
}

/** Measures the network behind `port`, which must lead to `startEchoServer`'s. */
export async function measureNetwork(port: number, profile: NetworkProfile): Promise<Accuracy> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  const times: number[] = [];
  for (let i = 0; i < ECHOES; i++) times.push(await ask(socket, 1, 1));
  const rttMs = median(times);
  const rateOf = async (rate: number, direction: 'up' | 'down') => {
    const bytes = Math.min(2 ** 28, Math.round((rate / 8) * SECONDS));
    const ms = direction === 'up' ? await ask(socket, bytes, 1) : await ask(socket, 1, bytes);
    return (bytes * 8000) / (ms - rttMs);
  };
  const upRate = await rateOf(profile.upRate, 'up');
  const downRate = await rateOf(profile.downRate, 'down');
  socket.destroy();
  return { profile: profile.name, rttMs, upRate, downRate };
}

/** Writes this number of bytes. */
async function fill(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= PIECE.length)
    if (!socket.write(PIECE.subarray(0, left))) await once(socket, 'drain');
}

/** Answers each request, [bytes that follow: u32][bytes wanted: u32] and so many bytes, with the bytes wanted. */
export async function startEchoServer(): Promise<{ port: number; stop: () => void }> {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    serve(socket).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, stop: () => server.close() };
}

async function serve(socket: Socket): Promise<void> {
  let left = -1;
  let wanted = 0;
  let head = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    let data = chunk;
    if (left < 0) {
      head = Buffer.concat([head, data]);
      if (head.length < 8) continue;
      [left, wanted] = [head.readUInt32LE(0), head.readUInt32LE(4)];
      data = head.subarray(8);
    }
    left -= data.length;
    if (left > 0) continue;
    await fill(socket, wanted);
    [left, head] = [-1, Buffer.alloc(0)];
  }
}

/** Sends `up` bytes and waits for `down`: ms. */
async function ask(socket: Socket, up: number, down: number): Promise<number> {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(up, 0);
  header.writeUInt32LE(down, 4);
  const start = performance.now();
  let received = 0;
  const answered = new Promise<void>((resolve) => {
    const count = (data: Buffer) => {
      received += data.length;
      if (received < down) return;
      socket.off('data', count);
      resolve();
    };
    socket.on('data', count);
  });
  // A short request is sent at once, because two packets would take longer than one.
  socket.cork();
  socket.write(header);
  const sent = fill(socket, up);
  socket.uncork();
  await Promise.all([sent, answered]);
  return performance.now() - start;
}
