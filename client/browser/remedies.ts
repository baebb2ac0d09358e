/** What pages can do about their bundles, for the messages of errors. */

export const PREPARE_ONE = 'prepare one (client.prepare())';

export const DELETE_ALL = 'delete them (client.clear())';

export const DELETE_REMOVED = 'connecting again deletes them';

/** How bundles that are set aside become ready again. */
export const RELEASE = 'client.confirmBundles()';
