import { execFileSync } from 'node:child_process';
import type { NetworkProfile } from '../../transport/network-profiles.ts';

/** Most packets in flight in one direction; more than any profile has during its delay. */
const LIMIT = 100_000;

/** Bytes that may leave at once after a pause: one packet of the loopback device, with its headers. */
const BURST = '66k';

/**
 * Returns the arguments of consecutive calls of `tc`, which apply the profile to TCP over loopback with the server at
 * `port` and to no other traffic: a class for each direction limits the rate, and netem delays. The first call fails,
 * and changes nothing, if the kernel has no netem, the caller lacks the right, or loopback has another queue.
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

/**
 * Applies the profile in the kernel until this process exits. Returns false and changes nothing if that is not
 * possible.
 */
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
