/** How a connection is protected. */
export interface Security {
  /** TLS options, in PEM. `{}` uses the system's authorities and no client certificate. */
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
