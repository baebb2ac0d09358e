import { SphynxError } from '../errors/sphynx-error.ts';
import type { Context } from './command.ts';
import { checkServer } from './doctor/check-server.ts';
import { describe, type Finding } from './doctor/finding.ts';
import {
  checkEncryption,
  checkImages,
  checkKernels,
  checkNode,
  checkStateFolder,
} from './doctor/machine-checks.ts';
import { type ConnectionOptions, connectOptions } from './server-connection.ts';

export interface DoctorOptions extends ConnectionOptions {
  /** Beginning of the hash that one of the server's models must have (hex). */
  readonly modelHash?: string;
}

/**
 * `sphynx doctor`: checks this machine, then the connection to the server step by step, and suggests remedies. Fails if
 * any check fails.
 */
export async function doctor({ output, signal }: Context, options: DoctorOptions): Promise<boolean> {
  const { modelHash } = options;
  if (modelHash !== undefined && !/^[0-9a-f]{12,64}$/.test(modelHash))
    throw new SphynxError('config/invalid', `--model-hash takes at least 12 hex digits, got "${modelHash}"`);
  const how = await connectOptions(options);
  const findings: Finding[] = [
    checkNode(),
    await checkKernels(),
    await checkEncryption(),
    await checkImages(),
    await checkStateFolder(options.state),
  ];
  findings.push(...(await checkServer(options.server, { ...how, modelHash, signal })));
  signal.throwIfAborted();
  const ok = findings.every(({ state }) => state !== 'failed');
  const verdict = ok ? 'All is well.' : 'Something needs your attention: see the lines with an arrow.';
  output.result({ ok, checks: findings }, [...findings.map(describe), '', verdict].join('\n'));
  return ok;
}
