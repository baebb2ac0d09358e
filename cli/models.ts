import type { ModelSummary } from '../client/index.ts';
import { answerInWords, inputInWords } from '../client/input-words.ts';
import type { Context } from './command.ts';
import { type ConnectionOptions, withClient } from './server-connection.ts';
import { bytes, counted, table } from './units.ts';

/** `sphynx models`: lists the server's models and the cost of one image. */
export async function models({ output, signal }: Context, options: ConnectionOptions): Promise<undefined> {
  const list = await withClient(options, signal, (client) => client.models({ signal }));
  output.result(
    { server: options.server, models: list },
    list.length > 0 ? describe(list) : 'the server has no models',
  );
}

function describe(list: readonly ModelSummary[]): string {
  const rows = list.map((model) => [
    model.name,
    takes(model),
    answerInWords(model.head, model.classes),
    model.output,
    model.relus,
    bytes(model.quote.offlineBytes),
    bytes(model.quote.onlineBytes),
    model.hash.slice(0, 12),
  ]);
  const header = ['MODEL', 'TAKES', 'ANSWERS', 'OUTPUT', 'RELUS', 'OFFLINE', 'ONLINE', 'HASH'];
  return `${counted(list.length, 'model')}; traffic is for one input\n\n${table(header, rows)}`;
}

function takes({ inputKind, inputChannels, inputHeight, inputWidth }: ModelSummary): string {
  return inputInWords(inputKind, { channels: inputChannels, height: inputHeight, width: inputWidth });
}
