/** Metadata key of the client's token. */
export const CLIENT_KEY = 'sphynx-client';

/** A client's token: 128 random bits in lower-case hex. Anyone who knows it can spend the client's bundles. */
export const CLIENT_TOKEN = /^[0-9a-f]{32}$/;
