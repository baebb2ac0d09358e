import type { Plan, Traffic } from '../../protocol/plan.ts';
import { PROFILES } from '../../transport/network-profiles.ts';
import { ciphertextsOf, type MachineRates } from './machine-rates.ts';

/** What a bundle and an inference cost: bytes exactly, times by a model. */
export interface Costs {
  readonly relus: number;
  readonly linearElements: number;
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
 * Times are those of this machine's computing (`machineRates`, and the linear layers as the integer executor took
 * them, `linearMs`) plus those of the network: bytes at its rates and, online, its round trips. Parties that overlap
 * computing and transfer, or have more cores, are faster.
 */
export function costsOf(plan: Plan, rates: MachineRates, linearMs: number): Costs {
  const { card, offlineBytes, onlineBytes, bundleBytes, rounds } = plan;
  const ciphertexts = ciphertextsOf(plan);
  const preparing = rates.ciphertextMs * ciphertexts + rates.tableMs * bundleBytes;
  const inferring = rates.onlineMs * (onlineBytes.up + onlineBytes.down) + linearMs;
  const elements = plan.layers.slice(0, -1).reduce((sum, layer) => sum + layer.elements, 0);
  return {
    relus: card.relus,
    linearElements: elements - card.relus,
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
