/** Browsers that a person has: started with an address, and ended when the test file is done. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { after } from 'node:test';
import { temporaryFolder } from '../server/bundles.ts';

export interface Engine {
  readonly name: string;
  /** Why it cannot run here; false if it can. */
  readonly skip: string | false;
  /** Opens the address in a window of a fresh visitor. */
  open(url: string): Promise<void>;
}

/** Starts a program that is killed when the test file is done. */
function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  after(() => child.kill('SIGKILL'));
  return child;
}

/** A visitor's own home, so that nothing of earlier runs is there. */
function freshHome(): NodeJS.ProcessEnv {
  const home = temporaryFolder();
  return {
    HOME: home,
    XDG_DATA_HOME: home,
    XDG_CACHE_HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_RUNTIME_DIR: home,
  };
}

let display: Promise<string> | undefined;

/** A screen that nobody sees; its name. */
function screen(): Promise<string> {
  display ??= (async () => {
    const server = start('/usr/bin/Xvfb', ['-displayfd', '1', '-nolisten', 'tcp']);
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
      start(
        CHROMIUM,
        ['--headless', '--no-sandbox', `--user-data-dir=${temporaryFolder()}`, url],
        freshHome(),
      );
    },
  },
  {
    name: 'Firefox',
    skip: missing(FIREFOX),
    async open(url) {
      start(FIREFOX, ['--headless', '--no-remote', '--profile', temporaryFolder(), url], freshHome());
    },
  },
  {
    name: 'Firefox, private window',
    skip: missing(FIREFOX),
    async open(url) {
      const args = ['--headless', '--no-remote', '--profile', temporaryFolder(), '--private-window', url];
      start(FIREFOX, args, freshHome());
    },
  },
  {
    name: 'WebKitGTK',
    skip: missing(WEBKIT ?? 'MiniBrowser', '/usr/bin/Xvfb'),
    async open(url) {
      start(WEBKIT as string, [url], { ...freshHome(), DISPLAY: await screen() });
    },
  },
];
