import { globSync, writeFileSync } from 'node:fs';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** Location of the thread-safe library on Debian and others. */
const LIBRARY = '/usr/lib/*/faketime/libfaketimeMT.so.1';

/** A wall clock for chosen processes that can jump while they run; their monotonic clock is the machine's. */
export class FalseClock {
  readonly #file: string;
  /** Environment variables for the processes. */
  readonly environment: NodeJS.ProcessEnv;

  /** @param file where the clock is kept. Throws 'config/invalid' without libfaketime. */
  constructor(file: string) {
    const [library] = globSync(LIBRARY);
    if (!library)
      throw new SphynxError(
        'config/invalid',
        'a clock that jumps is made by libfaketime, which is not installed; on Debian: apt-get install libfaketime',
      );
    this.#file = file;
    this.jump(0);
    this.environment = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      // The file is read whenever the clock is read.
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Sets the clock to this offset from the true time (s). */
  jump(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }
}
