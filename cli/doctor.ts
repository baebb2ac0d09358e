import type { Client } from '../client/index.ts';
import { connect } from '../client/index.ts';
import { asSphynxError } from '../errors/sphynx-error.ts';
import type { Context } from './command.ts';
import { checkEncryption, checkImages, checkKernels, checkNode, checkStateFolder } from './machine-checks.ts';
import { type ConnectionOptions, connectOptions } from './server-connection.ts';
import { counted } from './units.ts';

/** One line of the doctor's findings. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do if it is not well. */
  readonly remedy?: string;
}

/** `sphynx doctor`: checks this machine, the connection and the bundles, and says what to do. Fails if anything is amiss. */
export async function doctor({ output, signal }: Context, options: ConnectionOptions): Promise<boolean> {
  const findings: Finding[] = [
    checkNode(),
    await checkKernels(),
    await checkEncryption(),
    await checkImages(),
    await checkStateFolder(options.state),
    ...(await checkServer(options, signal)),
  ];
  const ok = findings.every((finding) => finding.ok);
  const verdict = ok ? 'All is well.' : 'Something needs your attention: see the lines with an arrow.';
  output.result({ ok, checks: findings }, [...findings.map(describe), '', verdict].join('\n'));
  return ok;
}

function describe({ name, ok, detail, remedy }: Finding): string {
  const line = `${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(12)}  ${detail}`;
  return remedy === undefined ? line : `${line}\n      -> ${remedy}`;
}

async function checkServer(options: ConnectionOptions, signal: AbortSignal): Promise<Finding[]> {
  const name = 'server';
  let client: Client;
  try {
    client = await connect(options.server, { ...(await connectOptions(options)), signal });
  } catch (error) {
    const { code, message } = asSphynxError(error);
    const remedy = code.startsWith('identity/')
      ? 'ask who runs the server for a token (--token-file) or a certificate (--cert and --key)'
      : 'start one here with `sphynx serve`, or name another with --server HOST:PORT';
    return [{ name, ok: false, detail: message, remedy }];
  }
  try {
    const models = await client.models({ signal });
    const served = `${options.server} answers and serves ${counted(models.length, 'model')}`;
    const checks = models.map((model) => checkModel(client, model.name, signal));
    return [{ name, ok: true, detail: served }, ...(await Promise.all(checks))];
  } finally {
    await client.close();
  }
}

/** Both sides agree on the model and its plan; bundles are there. */
async function checkModel(client: Client, model: string, signal: AbortSignal): Promise<Finding> {
  try {
    const { hash } = await client.modelCard(model, { signal });
    const bundles = await client.bundles({ model, signal });
    const expired = bundles.filter(({ expiresAt }) => expiresAt <= Date.now()).length;
    const detail = `${model} (hash ${hash.slice(0, 12)}, plans agree): ${counted(bundles.length - expired, 'bundle')} ready`;
    const remedy =
      expired === 0 ? undefined : `${expired} more have expired; \`sphynx prepare\` replaces them`;
    return { name: 'model', ok: true, detail, remedy };
  } catch (error) {
    const { message } = asSphynxError(error);
    return {
      name: 'model',
      ok: false,
      detail: `${model}: ${message}`,
      remedy: 'bring server and client to the same version',
    };
  }
}
