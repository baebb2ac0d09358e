import type { ConnectOptions } from '../../client/index.ts';
import { type Target, targetOf } from '../../client/node/address.ts';
import type { Finding } from './finding.ts';
import { checkName, checkPort } from './network-checks.ts';
import { checkClock, checkModels, greet } from './service-checks.ts';
import { checkTls } from './tls-checks.ts';

export interface CheckOptions extends ConnectOptions {
  /** Beginning of the hash that one of the server's models must have (hex). */
  readonly modelHash?: string;
  readonly signal: AbortSignal;
}

/** The steps of a connection, each of which needs the previous ones. */
const STEPS = ['dns', 'port', 'tls', 'protocol', 'authentication', 'clock', 'model'];

/**
 * Checks the connection to the server at `address`, step by step, and marks steps that an earlier failure prevents.
 * Throws 'config/invalid' for an unusable address or certificates.
 */
export async function checkServer(address: string, options: CheckOptions): Promise<Finding[]> {
  const { signal } = options;
  const target = targetOf(address, options);
  const findings: Finding[] = [];
  for (const check of [checkName, checkPort, checkTls]) {
    const finding = await check(target, options, signal);
    if (finding.state === 'failed' && !isProxied(target)) return withSkipped([...findings, finding]);
    findings.push(finding.state === 'failed' ? perhapsHarmless(finding) : finding);
    if (finding.state === 'failed') break;
  }
  const { client, findings: greeting } = await greet(address, options);
  findings.push(...greeting);
  if (!client) return withSkipped(findings);
  try {
    const clock = await checkClock(client, signal);
    return [...findings, clock, ...(await checkModels(client, options.modelHash, signal))];
  } finally {
    await client.close();
  }
}

/** Adds the steps after the last finding as skipped. */
function withSkipped(findings: readonly Finding[]): Finding[] {
  const { name: last } = findings[findings.length - 1];
  const skipped = STEPS.slice(STEPS.indexOf(last) + 1).map(
    (name): Finding => ({ name, state: 'skipped', detail: `not checked: resolve ${last} first` }),
  );
  return [...findings, ...skipped];
}

/** Whether gRPC may connect through a proxy, unlike these checks. Plaintext connects directly. */
function isProxied({ encrypted }: Target): boolean {
  return encrypted && ['grpc_proxy', 'https_proxy', 'http_proxy'].some((name) => process.env[name]);
}

function perhapsHarmless({ name, detail }: Finding): Finding {
  return {
    name,
    state: 'skipped',
    detail: `${detail}; the environment names a proxy, which may be able to reach it`,
  };
}
