/** Checks of a reachable server: whether it speaks our protocol, accepts the caller, and has the right models. */
import { type Client, type ConnectOptions, connect } from '../../client/index.ts';
import { inputInWords } from '../../client/input-words.ts';
import { describeRemoved } from '../../client/removed-models.ts';
import { asSphynxError, type SphynxError } from '../../errors/sphynx-error.ts';
import { referenceOf } from '../../model/reference.ts';
import { counted, duration, whole } from '../units.ts';
import type { Finding } from './finding.ts';

/** With a larger difference of clocks (ms), tokens fail and the parties disagree on when bundles expire. */
const CLOCK_MS = 30_000;

/** The result of the first call: the client, if the call was answered, and the findings. */
export interface Greeting {
  readonly findings: readonly Finding[];
  readonly client?: Client;
}

/** Calls the service once. A refusal is also an answer of the service. */
export async function greet(address: string, options: ConnectOptions): Promise<Greeting> {
  const protocol: Finding = {
    name: 'protocol',
    state: 'ok',
    detail: 'answers as sphynx.v1.PrivateInference',
  };
  try {
    const client = await connect(address, { ...options, warmUp: false });
    return {
      client,
      findings: [protocol, { name: 'authentication', state: 'ok', detail: 'the server accepts this client' }],
    };
  } catch (error) {
    const failure = asSphynxError(error);
    const findings = failure.code.startsWith('identity/')
      ? [protocol, refused(failure)]
      : [unanswered(failure)];
    return { findings };
  }
}

function refused({ code, message }: SphynxError): Finding {
  return {
    name: 'authentication',
    state: 'failed',
    detail: message,
    remedy:
      code === 'identity/missing'
        ? "ask the server's operator for a token (--token-file) or a certificate (--cert and --key)"
        : "ask the server's operator for a new token or certificate; if this one should be valid, compare the clocks",
  };
}

function unanswered({ code, message }: SphynxError): Finding {
  const passes = code === 'server/busy' || code === 'server/stopping';
  return {
    name: 'protocol',
    state: 'failed',
    detail: message,
    remedy: passes
      ? "try again in a minute; if the problem persists, see the server's log"
      : 'check that a sphynx server of this version listens there, not another program or a proxy',
  };
}

/** Compares the server's clock with this machine's. */
export async function checkClock(client: Client, signal: AbortSignal): Promise<Finding> {
  const name = 'clock';
  const difference = await client.clockDifference({ signal });
  if (difference === undefined)
    return { name, state: 'skipped', detail: 'the server does not report its time' };
  const apart = duration(Math.abs(difference));
  if (Math.abs(difference) <= CLOCK_MS)
    return { name, state: 'ok', detail: `${apart} apart from the server's` };
  return {
    name,
    state: 'failed',
    detail: `the server's clock is ${apart} ${difference > 0 ? 'ahead of' : 'behind'} this machine's`,
    remedy: 'synchronise both by NTP: tokens, certificates and bundles expire by the clock',
  };
}

/**
 * Checks the server's models: both sides derive the same plan from each card, the expected model exists, and the models
 * of this machine's bundles still exist.
 *
 * @param expected beginning of the hash that one of the models must have
 */
export async function checkModels(
  client: Client,
  expected: string | undefined,
  signal: AbortSignal,
): Promise<Finding[]> {
  const models = await client.models({ signal });
  const findings = [];
  for (const model of models) findings.push(await checkModel(client, referenceOf(model), signal));
  if (expected !== undefined && !models.some(({ hash }) => hash.startsWith(expected)))
    findings.push(
      failedModel(
        `none has the hash ${expected}; the server has ${models.map(referenceOf).join(', ') || 'no model'}`,
        "ask the server's operator which version it serves, or use another server",
      ),
    );
  const removed = describeRemoved(await client.removedModels({ signal }));
  if (removed !== '')
    findings.push(
      failedModel(removed, 'see them with `sphynx bundles`, delete them with `sphynx bundles --drop ID`'),
    );
  return findings;
}

async function checkModel(client: Client, model: string, signal: AbortSignal): Promise<Finding> {
  try {
    const { inputKind, input, calibration } = await client.modelCard(model, { signal });
    const bundles = await client.bundles({ model, signal });
    const allowance = await client.allowance({ model, signal });
    const more = allowance
      ? `, room for ${whole(allowance.bundles)} more, ${whole(allowance.inferencesInHour)} inferences left in this hour`
      : '';
    const expired = bundles.filter(({ expiresAt }) => expiresAt <= Date.now()).length;
    const remedies = [
      ...(calibration === 'random'
        ? [
            'its scales were chosen on random inputs, so its answers may be wrong: ask for a model that was imported with real ones',
          ]
        : []),
      ...(expired > 0 ? [`${expired} more have expired; \`sphynx prepare\` replaces them`] : []),
    ];
    return {
      name: 'model',
      state: 'ok',
      detail: `${model} takes ${inputInWords(inputKind, input)}; plans agree: ${counted(bundles.length - expired, 'bundle')} ready${more}`,
      remedy: remedies.length > 0 ? remedies.join('; ') : undefined,
    };
  } catch (error) {
    return failedModel(
      `${model}: ${asSphynxError(error).message}`,
      'bring server and client to the same version',
    );
  }
}

function failedModel(detail: string, remedy: string): Finding {
  return { name: 'model', state: 'failed', detail, remedy };
}
