/** Throws a clear error on a Node that is too old. It must be imported before everything else. */
import { requireNode } from './require-node.ts';

requireNode();
