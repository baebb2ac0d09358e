import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { listen } from '../../server/listen.ts';
import { SERVICE_NAME, serviceDefinition } from '../../transport/grpc/proto.ts';
import type { Method } from './codec.ts';
import { type Part, play } from './hostile-call.ts';

const same = (bytes: Buffer) => bytes;

/** A server that plays a case for each of its clients, which are identified by their bearer tokens. */
export class HostileServer {
  readonly #server = new Server();
  readonly #parts = new Map<string, Part>();
  #port = 0;

  static async start(): Promise<HostileServer> {
    const hostile = new HostileServer();
    const raw = Object.entries(serviceDefinition[SERVICE_NAME]).map(([name, method]) => [
      name,
      { ...(method as MethodDefinition<Buffer, Buffer>), responseSerialize: same, requestDeserialize: same },
    ]);
    hostile.#server.addService(Object.fromEntries(raw), {
      listModels: hostile.#answer('ListModels'),
      getModelCard: hostile.#answer('GetModelCard'),
      preprocess: (call: ServerDuplexStream<Buffer, Buffer>) => hostile.#talk(call),
      infer: (call: ServerDuplexStream<Buffer, Buffer>) => hostile.#talk(call),
    });
    hostile.#port = await listen(hostile.#server, '127.0.0.1:0', ServerCredentials.createInsecure());
    return hostile;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Sets the case for the client with this bearer token. */
  play(token: string, part: Part): void {
    this.#parts.set(`Bearer ${token}`, part);
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #partOf({ metadata }: Pick<ServerUnaryCall<Buffer, Buffer>, 'metadata'>): Part {
    return this.#parts.get(String(metadata.get('authorization')[0])) as Part;
  }

  /** Clients also ask for the models before streams; the list is then empty. */
  #answer(method: Method) {
    return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
      const { dialogue, messages } = this.#partOf(call).attack;
      callback(null, dialogue.method === method ? (messages[0] ?? Buffer.alloc(0)) : Buffer.alloc(0));
    };
  }

  #talk(call: ServerDuplexStream<Buffer, Buffer>): void {
    const { hear, hearEnd } = play(this.#partOf(call), {
      write: (bytes) => call.write(bytes),
      end: () => call.end(),
      fail: (status) => call.emit('error', status),
    });
    call.on('error', () => {});
    call.on('data', hear);
    call.on('end', hearEnd);
  }
}
