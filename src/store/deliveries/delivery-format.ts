/*
 * What webhooks are told of calls that have ended, until they have taken it. A call's record names its webhooks (see record-lua.ts); the
 * script that ends it queues a delivery for each, in the call's shard:
 *
 *   webhook-due:<tenant>/<name>         sorted set: call ids, by when the next attempt is due; of one that a node makes, by when others may
 *   webhook-deliveries:<tenant>/<name>  hash: call id → format, attempts that were begun and what came of the last one (`-`: nothing yet),
 *                                       in a line; then the call's end, as in the lists of calls that have ended (see ended-calls.ts)
 *   webhook-failed:<tenant>/<name>      stream: deliveries that were given up: `call`, `why`, `attempts`, `end`
 *
 * Each webhook has keys of its own, so that one whose receiver is away fills no other's queue. All three expire some days after they were
 * written last, which also removes what is left of a webhook whose document is gone.
 */

/** What a delivery begins with. Another number is another format: it is left to nodes that know it. */
export const DELIVERY_FORMAT = "1";
/** The most deliveries of a webhook that wait in a shard, of some 300 bytes each; what comes then is given up at once. */
export const MAX_QUEUED = 5_000;
/** How many given up ones are kept of a webhook in a shard, about. */
export const MAX_FAILED = 1_000;
/** How long deliveries stay after the latest was queued or tried, in milliseconds: three days. */
export const DELIVERIES_KEPT_MS = 259_200_000;
