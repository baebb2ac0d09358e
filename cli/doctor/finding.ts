/** One line of the doctor's findings. */
export interface Finding {
  /** What was checked. */
  readonly name: string;
  /** `skipped`: it cannot be checked before something else is well. */
  readonly state: 'ok' | 'failed' | 'skipped';
  /** What was found. */
  readonly detail: string;
  /** What to do if it is not well, or will not be for long. */
  readonly remedy?: string;
}

const MARKS = { ok: 'ok  ', failed: 'FAIL', skipped: '-   ' };

/** The finding for people, its remedy behind an arrow. */
export function describe({ name, state, detail, remedy }: Finding): string {
  const line = `${MARKS[state]}  ${name.padEnd(14)}  ${detail}`;
  return remedy === undefined ? line : `${line}\n      -> ${remedy}`;
}

/** The code of a system's error, or its name. */
export function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name;
}
