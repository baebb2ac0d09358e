/** One line of the doctor's findings. */
export interface Finding {
  /** What was checked. */
  readonly name: string;
  /** `skipped`: it cannot be checked until an earlier check succeeds. */
  readonly state: 'ok' | 'failed' | 'skipped';
  /** What was found. */
  readonly detail: string;
  /** What to do about a present or coming problem. */
  readonly remedy?: string;
}

const MARKS = { ok: 'ok  ', failed: 'FAIL', skipped: '-   ' };

/** Describes the finding for people, with its remedy after an arrow. */
export function describe({ name, state, detail, remedy }: Finding): string {
  const line = `${MARKS[state]}  ${name.padEnd(14)}  ${detail}`;
  return remedy === undefined ? line : `${line}\n      -> ${remedy}`;
}

/** Returns the code of a system error, or its name. */
export function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
}
