import { execFileSync } from 'node:child_process';
import type { NetworkProfile } from '../../transport/network-profiles.ts';

/** Packets on their way in one direction; more than any profile holds in its delay. */
const LIMIT = 100_000;

/** Bytes that may leave at once after a pause: one packet of the loopback device, with its headers. */
const BURST = '66k';

/**
 * What `tc` is called with, one call after another, so that TCP over loopback with the server at `port` meets the
 * profile and other traffic does not: a class for each direction that paces, and delays by netem. The first call
 * fails, and changes nothing, where the kernel has no netem, the caller no right to it, or loopback another queue.
 */
export function netemCommands(port: number, { rttMs, upRate, downRate }: NetworkProfile): string[][] {
  const direction = (minor: number, rate: number, side: string) => [
    `class add dev lo parent 1: classid 1:${minor} htb rate ${rate}bit burst ${BURST} cburst ${BURST} quantum 66000`,
    `qdisc add dev lo parent 1:${minor} netem delay ${500 * rttMs}us limit ${LIMIT}`,
    `filter add dev lo parent 1: protocol ip u32 match ip protocol 6 0xff match ip ${side} ${port} 0xffff flowid 1:${minor}`,
  ];
  return [
    'qdisc add dev lo root netem',
    'qdisc del dev lo root',
    'qdisc add dev lo root handle 1: htb',
    ...direction(1, upRate, 'dport'),
    ...direction(2, downRate, 'sport'),
  ].map((command) => command.split(' '));
}

/** Puts the profile into the kernel until this process exits. Returns false, with nothing changed, where it cannot. */
export function startNetem(port: number, profile: NetworkProfile): boolean {
  const [first, ...others] = netemCommands(port, profile);
  if (!tc(first)) return false;
  const remove = () => tc(['qdisc', 'del', 'dev', 'lo', 'root']);
  if (!others.every(tc)) {
    remove();
    return false;
  }
  process.on('exit', remove);
  return true;
}

/** Whether `tc` exists and succeeds. */
function tc(args: readonly string[]): boolean {
  try {
    execFileSync('tc', args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
