/** The polite client of the server's tests, over WebSocket. */
import { WebSocket } from 'ws';
import { type Socket, WebCall, type WebCallOptions } from '../../../client/browser/web-call.ts';
import type { FixedNetwork } from '../../../model/network.ts';
import { CallStream } from '../../../transport/call-stream.ts';
import type {
  InferRequests,
  InferResponses,
  PreprocessRequests,
  PreprocessResponses,
} from '../../../transport/messages.ts';
import type { CallName } from '../../../transport/web/schema.ts';
import { type InferStream, type PreprocessStream, TestClient } from '../../support/test-client.ts';

export type WebClientOptions = Partial<WebCallOptions> & {
  readonly origin?: string;
  readonly ca?: string;
};

/** A call as a page makes it, from a page of `origin`. */
export function webCall<In, Out>(
  name: CallName,
  port: number,
  { origin, ca, ...options }: WebClientOptions = {},
) {
  return new WebCall<In, Out>(name, {
    url: `${ca === undefined ? 'ws' : 'wss'}://localhost:${port}`,
    client: '0123456789abcdef'.repeat(2),
    open: (url, protocol) => new WebSocket(url, protocol, { origin, ca }) as unknown as Socket,
    ...options,
  });
}

/** A call as the stream of messages that clients see. */
export function webStream<In, Out>(...parameters: Parameters<typeof webCall>): CallStream<In, Out> {
  return CallStream.ofClient(webCall<In, Out>(...parameters));
}

export class WebClient extends TestClient {
  readonly #port: number;
  readonly #options: WebClientOptions;

  constructor(port: number, network: FixedNetwork, options: WebClientOptions = {}) {
    super(port, network);
    this.#port = port;
    this.#options = options;
  }

  override preprocess(): PreprocessStream {
    return webStream<PreprocessResponses, PreprocessRequests>('Preprocess', this.#port, this.#options);
  }

  override infer(): InferStream {
    return webStream<InferResponses, InferRequests>('Infer', this.#port, this.#options);
  }
}
