/** How a connection is protected. */
export interface Security {
  /** TLS. `{}`: with the system's authorities and no certificate of the client's. All of it is PEM. */
  readonly tls?: {
    /** Authorities in place of the system's. */
    readonly ca?: Uint8Array | string;
    /** The client's certificate chain; needs `key`. */
    readonly certificate?: Uint8Array | string;
    /** The private key of `certificate`. */
    readonly key?: Uint8Array | string;
  };
  /** Allows plaintext to another machine. */
  readonly insecure?: boolean;
}
