/** Imported before everything else, this throws on a Node that is too old, in one clear sentence. */
import { requireNode } from './require-node.ts';

requireNode();
