import type { Logger } from 'pino';
import type { Output } from '../model/output.ts';
import type { LabelEncoding } from '../protocol/label-encoding.ts';
import type { AccessOptions } from './identity/access.ts';
import type { ServerLimits } from './limits.ts';
import type { ModelSource } from './models.ts';
import type { StoreOptions } from './store/open-store.ts';
import type { WebOptions } from './web/serve-web-sockets.ts';

/** Options of a server: its models, address, access and limits. */
export interface ServerOptions extends AccessOptions, StoreOptions {
  /** Folders or networks to serve, at least one. */
  readonly models: readonly ModelSource[];
  /** For all models: fewer bytes online ('fast', the default) or fewer offline ('lean'). */
  readonly setting?: LabelEncoding;
  /** What clients learn, for models without their own output. Default: the networks' own; for folders 'logits'. */
  readonly output?: Output;
  /** Limits other than DEFAULT_LIMITS. */
  readonly limits?: Partial<ServerLimits>;
  /** Also serves browsers, over WebSocket. */
  readonly web?: WebOptions;
  /** Serves Prometheus metrics on `PORT` of the loopback interface, or on `HOST:PORT`; disabled unless given. */
  readonly metrics?: string;
  /** Gives every caller the service's definition (gRPC server reflection), for tools such as grpcurl. */
  readonly reflection?: boolean;
  /** Destination of log lines; stderr unless given. */
  readonly logger?: Logger;
}
