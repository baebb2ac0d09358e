import { rangeUse } from '../../model/fixed-point/range-use.ts';
import type { OutputHead } from '../../model/head.ts';
import type { StepReport } from '../step-report.ts';
import { counted } from '../units.ts';
import { type Accuracy, accuracyOf, type LabelledInputs } from './accuracy.ts';
import { SAME } from './answers.ts';
import type { Candidate } from './choose-bits.ts';
import type { MeasuredInputs } from './measured-inputs.ts';

/** A k is good enough if it gives the float network's answer on this share of the inputs (percent). */
const LEAST_AGREEMENT = 99;

/** Number of labelled inputs from which on accuracy decides instead; with fewer, chance would decide. */
const ENOUGH_LABELLED = 1000;

/** Loss of accuracy that is then acceptable (percentage points), on the checked inputs and on the test inputs. */
const LARGEST_LOSS = 0.3;

/** Accuracy, and the share of the range that the largest value used (over 100: it wrapped around). */
export interface MeasuredAccuracy extends Accuracy {
  readonly rangeUsedPercent: number;
  /** Whether these are inputs that the data set keeps for tests. */
  readonly tested: boolean;
}

/** Judges the candidates for k. */
export class Judge {
  readonly #checked: MeasuredInputs;
  readonly #tested: MeasuredInputs;
  readonly #byAccuracy: boolean;
  readonly #note: (text: string) => void;
  readonly #steps: StepReport;
  readonly #measured = new Map<Candidate, MeasuredAccuracy | null>();

  /** @param tested null if the data set has no test part: then accuracy is measured on the checked inputs */
  constructor(
    checked: MeasuredInputs,
    tested: MeasuredInputs | null,
    note: (text: string) => void,
    steps: StepReport,
  ) {
    this.#checked = checked;
    this.#tested = tested ?? checked;
    this.#byAccuracy =
      Math.min(checked.labelled.classes.length, this.#tested.labelled.classes.length) >= ENOUGH_LABELLED;
    this.#note = note;
    this.#steps = steps;
  }

  /** Whether a candidate is good enough. */
  async isEnough(candidate: Candidate, k: number): Promise<boolean> {
    const { agreement, network } = candidate;
    const share = agreement.sameAnswer.toFixed(1);
    this.#note(`k = ${k}: ${SAME[network.card.head]} on ${share}% of ${counted(agreement.images, 'input')}`);
    this.#steps.stopIf();
    if (!this.#byAccuracy) return agreement.sameAnswer >= LEAST_AGREEMENT;
    if (losesTooMuch(await this.#measure(candidate, this.#checked.labelled))) return false;
    const accuracy = await this.accuracy(candidate);
    return accuracy !== null && !losesTooMuch(accuracy);
  }

  /** Returns the accuracy of a candidate; null without labelled inputs. */
  async accuracy(candidate: Candidate): Promise<MeasuredAccuracy | null> {
    const { labelled, meter } = this.#tested;
    if (labelled.classes.length === 0) return null;
    const known = this.#measured.get(candidate);
    if (known) return known;
    const accuracy = {
      ...(await this.#measure(candidate, labelled)),
      rangeUsedPercent: Math.ceil(100 * rangeUse(candidate.plan, meter.allRanges)),
      tested: this.#tested !== this.#checked,
    };
    this.#measured.set(candidate, accuracy);
    return accuracy;
  }

  /** Returns what is demanded of a fixed point, as the end of a sentence that begins with "a fixed point that". */
  demand(head: OutputHead): string {
    return this.#byAccuracy
      ? `loses at most ${LARGEST_LOSS} points of accuracy`
      : `gives the ${SAME[head]} on ${LEAST_AGREEMENT}% of the inputs`;
  }

  #measure({ network }: Candidate, labelled: LabelledInputs): Promise<Accuracy> {
    return accuracyOf(network, labelled, this.#steps.begin('measuring accuracy', labelled.classes.length));
  }
}

function losesTooMuch({ float, fixed }: Accuracy): boolean {
  return float - fixed > LARGEST_LOSS;
}
