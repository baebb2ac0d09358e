import { join } from 'node:path';
import { type FixedNetwork, withOutput } from '../../model/network.ts';
import { makePlan } from '../../protocol/plan.ts';
import { SEGMENT_BYTES } from '../../protocol/segment.ts';
import { randomSmallNetwork } from '../../test/support/small-network.ts';
import { ClientAttack } from './attack-client.ts';
import { ServerAttack } from './attack-server.ts';
import { type Case, Cases } from './cases.ts';
import { dialoguesOf } from './dialogues.ts';
import { type Expectation, expectationOf } from './expectation.ts';
import { HonestClient } from './honest-client.ts';
import type { Outcome } from './outcome.ts';
import { type Resident, ResidentWatch } from './resident-watch.ts';
import { recordTranscript } from './transcript.ts';
import { startVictimServer, type VictimServer } from './victim-server.ts';
import { type AllocationWatch, watchAllocations } from './watch-allocations.ts';

/** Two tiny networks of two layers of ReLUs, linear elements and squares: every kind of segment, in a few ms each. */
const NETWORK = 15;
const OTHER = 22;

/** How long both sides wait for a silent peer (ms). */
const IDLE_MS = 10_000;

/** Cases between two checks of records, memory and an honest client. */
export const ROUND = 1000;

/** Unread data that a peer can make the other side hold on one stream (bytes): gRPC reads 16 messages ahead. */
const UNREAD_BYTES = 17 * SEGMENT_BYTES;

/** Freed memory that the C library retains: arenas of this thread and of three workers (bytes). */
const FRAGMENTS_BYTES = 2 ** 27;

/** A case with a wrong outcome; `seed` and its number reproduce it. */
export interface Failure {
  readonly seed: number;
  readonly case: number | undefined;
  readonly what: string;
}

export interface CampaignResult {
  readonly cases: number;
  /** Outcomes of the cases of each dialogue. */
  readonly outcomes: Record<string, Record<string, number>>;
  readonly failures: Failure[];
  /** How often an honest client was served in between. */
  readonly honest: number;
  /** Resident memory from the end of the first round on. */
  readonly resident: Resident;
  /** Largest array that the roles in this thread requested, and the largest that an honest peer causes (bytes). */
  readonly array: { readonly largest: number; readonly bound: number };
}

/** A server and clients that are attacked case by case, in one process. */
export class Campaign {
  readonly #seed: number;
  readonly #lanes: number;
  readonly #cases: Cases;
  readonly #server: VictimServer;
  readonly #onServer: ServerAttack;
  readonly #onClient: ClientAttack;
  readonly #honest: HonestClient;
  readonly #allocations: AllocationWatch;
  readonly #memory: ResidentWatch;
  readonly #result: {
    -readonly [Key in keyof Omit<CampaignResult, 'resident'>]: CampaignResult[Key];
  };

  private constructor(
    seed: number,
    lanes: number,
    cases: Cases,
    server: VictimServer,
    attacks: { onServer: ServerAttack; onClient: ClientAttack },
    honest: HonestClient,
    watch: { allocations: AllocationWatch; arrayBound: number },
  ) {
    this.#seed = seed;
    this.#lanes = lanes;
    this.#cases = cases;
    this.#server = server;
    this.#onServer = attacks.onServer;
    this.#onClient = attacks.onClient;
    this.#honest = honest;
    this.#allocations = watch.allocations;
    this.#memory = new ResidentWatch(lanes * UNREAD_BYTES + FRAGMENTS_BYTES, (what) => this.#fail(what));
    this.#result = {
      cases: 0,
      outcomes: {},
      failures: [],
      honest: 0,
      array: { largest: 0, bound: watch.arrayBound },
    };
  }

  /**
   * @param seed clients learn logits if it is odd, and the label alone if it is even
   * @param lanes cases that run at once
   */
  static async open(seed: number, stateFolder: string, lanes: number): Promise<Campaign> {
    const network = withOutput(randomSmallNetwork(NETWORK, 2, 0.3, 0.3), seed % 2 === 1 ? 'logits' : 'label');
    const other = randomSmallNetwork(OTHER, 2, 0.3, 0.3);
    const allocations = watchAllocations();
    const transcript = await recordTranscript(network);
    const arrayBound = allocations.largest();
    const foreign = await recordTranscript(network);
    const cases = new Cases(seed, dialoguesOf(transcript), dialoguesOf(foreign));
    const folder = (name: string) => join(stateFolder, name);
    const options = { idleMs: IDLE_MS, lanes };
    const server = await startVictimServer(transcript, other, { ...options, stateFolder: folder('server') });
    const onServer = new ServerAttack(server, transcript, identityOf(other));
    const onClient = await ClientAttack.start(transcript, { ...options, stateFolder: folder('clients') });
    const honest = await HonestClient.connect(server.ports.deployed.grpc, network, folder('honest'));
    const watch = { allocations, arrayBound };
    return new Campaign(seed, lanes, cases, server, { onServer, onClient }, honest, watch);
  }

  get result(): CampaignResult {
    return { ...this.#result, resident: this.#memory.resident };
  }

  /** Runs cases `first` to `end` - 1 in rounds. Failures are in the result; nothing is thrown for them. */
  async run(first: number, end: number, onRound: (done: number) => void = () => {}): Promise<void> {
    for (let start = first; start < end; start += ROUND) {
      await this.#round(start, Math.min(end, start + ROUND));
      onRound(this.#result.cases);
    }
  }

  async close(): Promise<void> {
    this.#allocations.stop();
    this.#onServer.close();
    await this.#honest.close();
    await this.#onClient.close();
    await this.#server.stop();
  }

  async #round(first: number, end: number): Promise<void> {
    const stop = this.#memory.begin();
    let next = first;
    const lane = async (which: number) => {
      while (next < end) await this.#case(this.#cases.case(next++), which);
    };
    await Promise.all(Array.from({ length: this.#lanes }, (_, which) => lane(which)));
    stop();
    await this.#look();
  }

  async #case(attack: Case, lane: number): Promise<void> {
    const expected = expectationOf(attack, this.#server.limits);
    const { dialogue, number } = attack;
    const outcome =
      dialogue.victim === 'client'
        ? await this.#onClient.run(attack, expected, lane)
        : await this.#onServer.run(attack, expected);
    const wrong = wrongIn(outcome, expected);
    const name = typeof outcome === 'string' ? outcome : 'unexpected';
    this.#result.cases++;
    this.#result.outcomes[dialogue.name] ??= {};
    const counts = this.#result.outcomes[dialogue.name];
    counts[name] = (counts[name] ?? 0) + 1;
    if (wrong) this.#fail(`${dialogue.name} [${attack.mutations}; ${attack.ending}]: ${wrong}`, number);
  }

  /** Checks the state after a round: records must be as the cases left them, and honest clients must be served. */
  async #look(): Promise<void> {
    const { store, faults } = this.#server;
    const { preparing, spending, ready } = await store.settled();
    if (preparing + spending > 0 || ready !== store.ready)
      this.#fail(`records: ${preparing} preparing, ${spending} spending, ${ready} ready, not ${store.ready}`);
    for (const number of this.#onServer.trespasses())
      this.#fail('a bundle became ready or spent by a call that was to be refused', number);
    store.forget();
    for (const fault of faults.splice(0)) this.#fail(`the server logged ${fault}`);
    try {
      await this.#honest.classify();
      this.#result.honest++;
    } catch (error) {
      this.#fail(`an honest client was not served: ${(error as Error).stack}`);
    }
    this.#measure();
  }

  /** Reports each exceeded bound once, not once per round. */
  #measure(): void {
    const { array } = this.#result;
    const largest = Math.max(array.largest, this.#allocations.largest());
    if (largest > array.bound && array.largest <= array.bound)
      this.#fail(`an array of ${largest} bytes, and an honest peer's largest has ${array.bound}`);
    this.#result.array = { ...array, largest };
    this.#memory.look();
  }

  #fail(what: string, number?: number): void {
    this.#result.failures.push({ seed: this.#seed, case: number, what });
  }
}

/** Returns what is wrong with a case's outcome; undefined if nothing is. */
function wrongIn(outcome: Outcome, { mayPass, codes }: Expectation): string | undefined {
  if (typeof outcome === 'object') return outcome.unexpected;
  const allowed = outcome === 'passed' ? mayPass : outcome !== 'hang' && codes.has(outcome);
  if (allowed) return undefined;
  return `${outcome}, but expected ${[...(mayPass ? ['passed'] : []), ...codes].join(' or ')}`;
}

function identityOf({ card }: FixedNetwork) {
  return { name: card.name, hash: card.hash, planHash: makePlan(card).hash };
}
