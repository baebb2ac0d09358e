/** Browsers that a person has: started with an address, and ended when the test file is done. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export interface Engine {
  readonly name: string;
  /** Why it cannot run here; false if it can. */
  readonly skip: string | false;
  /** Opens the address in a window of a fresh visitor. */
  open(url: string): Promise<void>;
}

/** Ends a program with everything that it started, and waits for it. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await gone;
}

/** Starts a program in a process group of its own. Its home is new, and gone with it when the test file is done. */
function start(
  program: string,
  args: (home: string) => readonly string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const home = mkdtempSync(join(tmpdir(), 'sphynx-test-'));
  const folders = { HOME: home, XDG_DATA_HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home };
  const child = spawn(program, args(home), {
    env: { ...process.env, ...folders, XDG_RUNTIME_DIR: home, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  // One hook for both: a home cannot be removed while its browser still writes to it.
  after(async () => {
    await end(child);
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  return child;
}

let display: Promise<string> | undefined;

/** A screen that nobody sees; its name. */
function screen(): Promise<string> {
  display ??= (async () => {
    const server = start('/usr/bin/Xvfb', () => ['-displayfd', '1', '-nolisten', 'tcp']);
    const [text] = await once(server.stdout!, 'data');
    return `:${String(text).trim()}`;
  })();
  return display;
}

const missing = (...programs: (string | undefined)[]) =>
  programs.every((program) => program !== undefined && existsSync(program))
    ? false
    : `not installed: ${programs.filter((program) => program === undefined || !existsSync(program)).join(', ')}`;

const FIREFOX = '/usr/bin/firefox-esr';
const CHROMIUM = '/usr/bin/chromium';
const [WEBKIT] = globSync('/usr/lib/*/webkit2gtk-4.*/MiniBrowser');

export const ENGINES: readonly Engine[] = [
  {
    name: 'Chromium',
    skip: missing(CHROMIUM),
    async open(url) {
      start(CHROMIUM, (home) => ['--headless', '--no-sandbox', `--user-data-dir=${home}`, url]);
    },
  },
  {
    name: 'Firefox',
    skip: missing(FIREFOX),
    async open(url) {
      start(FIREFOX, (home) => ['--headless', '--no-remote', '--profile', home, url]);
    },
  },
  {
    name: 'Firefox, private window',
    skip: missing(FIREFOX),
    async open(url) {
      start(FIREFOX, (home) => ['--headless', '--no-remote', '--profile', home, '--private-window', url]);
    },
  },
  {
    name: 'WebKitGTK',
    skip: missing(WEBKIT ?? 'MiniBrowser', '/usr/bin/Xvfb'),
    async open(url) {
      start(WEBKIT as string, () => [url], { DISPLAY: await screen() });
    },
  },
];
