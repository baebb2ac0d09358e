/** What programs and people can do about their bundles, for the messages of errors. */

export const PREPARE_ONE = 'prepare one (`sphynx prepare`, client.prepare()), or let classify prepare it';

export const DELETE_ALL = 'delete them (`sphynx bundles --drop all`, client.dropAll())';

export const DELETE_REMOVED = 'delete them (client.dropRemoved())';

/** How bundles that are set aside become ready again. */
export const RELEASE = '`sphynx bundles --confirm`, client.confirmBundles()';
