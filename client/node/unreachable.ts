/** Causes of failed connections, recognised by the messages of gRPC, Node and OpenSSL. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'nothing listens there'],
  [/ENOTFOUND|EAI_AGAIN|name resolution failed/i, 'its name has no address (DNS)'],
  [/ENETUNREACH|EHOSTUNREACH|ETIMEDOUT/, 'there is no route to it, or a firewall blocks it'],
  [/expired/i, 'TLS: its certificate has expired'],
  [/altname|does not match/i, 'TLS: its certificate is for another name'],
  [
    /self.signed|unable to (get|verify)|local issuer|UNABLE_TO_/i,
    'TLS: no authority that is trusted here has signed its certificate',
  ],
  [
    /alert|handshake|certificate required/i,
    'TLS: it refuses the connection; does it require a client certificate?',
  ],
  [/wrong version number|packet length|EPROTO|ssl/i, 'TLS: it does not use TLS on that port'],
  [
    /ECONNRESET|EPIPE|socket hang up|disconnected|closed|dropped|failed to connect/i,
    'it closes the connection: perhaps it expects TLS, or a client certificate',
  ],
];

/** Returns in words why a server cannot be reached, if the failure's text reveals it. */
export function causeOf(details: string): string | undefined {
  return CAUSES.find(([words]) => words.test(details))?.[1];
}
