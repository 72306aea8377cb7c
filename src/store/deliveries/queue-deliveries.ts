import { readLua } from "../../redis/lua-file.js";
import { DELIVERIES_KEPT_MS, DELIVERY_FORMAT, MAX_FAILED, MAX_QUEUED } from "./delivery-format.js";

/**
 * Lua that queues deliveries, in the execution that ends the calls: a node that is killed then loses none. Needs `prefix`, `now`,
 * `is_wrong_type`, `keep_aside` and `end_line`; a script that queues must call `write_deliveries` at its end.
 */
export const QUEUE_DELIVERIES_LUA = readLua(import.meta.url, "queue-deliveries.lua", {
  MAX_QUEUED,
  MAX_FAILED,
  DELIVERIES_KEPT_MS,
  DELIVERY_FORMAT,
});
