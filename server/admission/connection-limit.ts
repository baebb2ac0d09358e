import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const SOCKET_ACCEPTED = 'net.server.socket';

/**
 * Closes connections to `port` beyond `most()` on arrival, before they cost a handshake: gRPC for Node has no option
 * for it. Node announces every socket that a server of this process accepts.
 *
 * @param onRefused called for each closed connection
 * @returns a function that stops listening
 */
export function limitConnections(port: number, most: () => number, onRefused: () => void): () => void {
  let open = 0;
  const take = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort !== port) return;
    if (open >= most()) {
      onRefused();
      socket.destroy();
      return;
    }
    open++;
    socket.once('close', () => open--);
  };
  subscribe(SOCKET_ACCEPTED, take);
  return () => unsubscribe(SOCKET_ACCEPTED, take);
}
