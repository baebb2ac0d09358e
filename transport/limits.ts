import { SEGMENT_BYTES } from '../protocol/segment.ts';

/** Every input and output limit that client and server share, with its reason. */

/** Fields of a message besides the segment's data (bytes): kind, layer, offset, tags and lengths fit in 64. */
const FRAMING_BYTES = 1024;

/** Largest gRPC message of either side (bytes): one segment. Checked before a message is read into memory. */
export const MESSAGE_BYTES = SEGMENT_BYTES + FRAMING_BYTES;

/** Largest model card as JSON (bytes): it travels in one message. A thousand labels and a hundred layers take 60 KB. */
export const CARD_BYTES = SEGMENT_BYTES;

/** How long one side waits for the other's next message (ms). A layer's homomorphic evaluation takes seconds. */
export const IDLE_MS = 60_000;

/**
 * Segments that a worker may send ahead of the main thread: enough to hide the latency, few enough to need little
 * memory.
 */
export const PORT_PREFETCH = 4;

/** Longest error text on the wire (characters): trailers share HTTP/2's header block, which peers cap at 8 KiB. */
export const STATUS_DETAILS_LENGTH = 1000;

/** Silence after which a connection is probed (ms): well below the idle limits of common routers. */
export const KEEPALIVE_MS = 30_000;

/** How long a probe may stay unanswered (ms) before the connection counts as lost. */
export const KEEPALIVE_TIMEOUT_MS = 10_000;

/** HTTP/2 receive window (bytes): 64 KiB, the default, would limit a 50 ms link to 1.3 MB/s. */
export const FLOW_CONTROL_BYTES = 8 * SEGMENT_BYTES;

/** Lost bundles that a client reports at once: more than servers let it hold. */
export const LOST_BUNDLES = 1024;
