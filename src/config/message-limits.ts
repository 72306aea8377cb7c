/** How large gRPC messages can be, in bytes: what both sides of a connection agree on. */

/** The most that a registry can be set up for; a client whose channel takes as much takes whatever any node sends. */
export const LARGEST_MESSAGE_BYTES = 64 * 1_048_576;
/** The least that a registry can be set up for: a frame of many messages has up to half of it. */
export const SMALLEST_MESSAGE_BYTES = 262_144;
/** What gRPC's libraries take by default. */
export const USUAL_MESSAGE_BYTES = 4 * 1_048_576;
/** Text around what a message is about: ids, meta, field tags. A message limit needs this much above a payload limit. */
export const MESSAGE_OVERHEAD_BYTES = 65_536;
