import type { Logger } from 'pino';
import { isLoopback } from '../listen.ts';
import type { ModelRegistry } from '../models.ts';
import type { AccessOptions } from './access.ts';

/**
 * Warns of every model whose logits strangers can get: callers from other machines that are anonymous, or that show a
 * bearer token, which can be passed on. A client that deviates from the protocol can add numbers of its choice to
 * activations, and compute weights from logits (MUSE, Lehmkuhl et al., USENIX Security 2021). With 'label' it learns at
 * most log2(classes) bits per inference, whatever it does.
 */
export function warnOfStrangers(
  {
    address,
    identity = {},
    web,
  }: Pick<AccessOptions, 'address' | 'identity'> & { readonly web?: { readonly address: string } },
  models: Pick<ModelRegistry, 'all'>,
  logger: Logger,
): void {
  const isPublic = !isLoopback(address) || (web !== undefined && !isLoopback(web.address));
  if (!isPublic || (!identity.anonymous && identity.tokens === undefined)) return;
  const open = models.all.filter(({ network }) => network.card.output === 'logits');
  if (open.length === 0) return;
  const callers = identity.anonymous ? 'anonymous callers' : 'whoever holds a bearer token';
  logger.warn(
    { models: open.map(({ identity }) => identity.name) },
    `${callers} get the logits of these models, from which a client that deviates from the protocol can compute weights: serve strangers with --output label, or accept only clients that you trust to follow the protocol`,
  );
}
