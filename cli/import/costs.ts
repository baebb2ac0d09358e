import type { Plan, Traffic } from '../../protocol/plan.ts';
import { PROFILES } from '../../transport/network-profiles.ts';
import { ciphertextsOf, type MachineRates, tableBytesOf } from './machine-rates.ts';

/** The costs of a bundle and an inference: exact bytes, and estimated times. */
export interface Costs {
  readonly relus: number;
  readonly linearElements: number;
  readonly squares: number;
  readonly macs: number;
  readonly rounds: number;
  readonly ciphertexts: number;
  readonly offlineBytes: Traffic;
  readonly onlineBytes: Traffic;
  readonly bundleBytes: number;
  readonly times: readonly {
    readonly network: string;
    readonly offlineMs: number;
    readonly onlineMs: number;
  }[];
}

/**
 * Computes costs. Times are the sum of this machine's computation (`machineRates`, and the integer executor's time for
 * the linear layers, `linearMs`) and of the network: bytes at its rates and, online, its round trips. Parties that
 * overlap computing and transfer, or have more cores, are faster.
 */
export function costsOf(plan: Plan, rates: MachineRates, linearMs: number): Costs {
  const { card, offlineBytes, onlineBytes, bundleBytes, rounds } = plan;
  const ciphertexts = ciphertextsOf(plan);
  const preparing = rates.ciphertextMs * ciphertexts + rates.tableMs * tableBytesOf(plan);
  const inferring = rates.onlineMs * (onlineBytes.up + onlineBytes.down) + linearMs;
  const countOf = (kind: 'rescale' | 'square') =>
    plan.layers
      .flatMap(({ chunks }) => chunks)
      .reduce((sum, { count, gadget }) => sum + (gadget.kind === kind ? count : 0), 0);
  return {
    relus: card.relus,
    linearElements: countOf('rescale'),
    squares: countOf('square'),
    macs: card.macs,
    rounds,
    ciphertexts,
    offlineBytes,
    onlineBytes,
    bundleBytes,
    times: PROFILES.map(({ name, rttMs, upRate, downRate }) => {
      const transfer = ({ up, down }: Traffic) => 8000 * (up / upRate + down / downRate);
      return {
        network: name,
        offlineMs: preparing + transfer(offlineBytes),
        onlineMs: inferring + transfer(onlineBytes) + rounds * rttMs,
      };
    }),
  };
}
