import type { CallId } from "../identity/call-id.js";
import type { Principal } from "../identity/principal.js";
import { shareKey } from "../limits/share-key.js";
import type { Ending, SaidEnding } from "../store/calls/call-record.js";
import type { LargeReadings } from "../store/calls/large-readings.js";
import { unknownCall } from "./unknown-call.js";

/** For what an end is read. The signal is asked for where it has to be waited for. */
export interface EndReader {
  readonly principal: Principal;
  /** `host:port` of its connection's other end. */
  readonly peer: string;
  /** Aborted when nothing waits for the end any more. */
  readonly signal: AbortSignal;
}

/**
 * All of a call's end, which is read when it is a large one.
 *
 * @throws ToolgateError UNKNOWN_CALL when its record is gone meanwhile, STORE_UNAVAILABLE; the signal's reason
 */
export async function wholeEnding(
  readings: Pick<LargeReadings, "ending">,
  id: CallId,
  ending: SaidEnding,
  reader: EndReader,
): Promise<Ending> {
  if (ending.kind !== "large") return ending;
  const client = shareKey(reader.principal, reader.peer);
  const whole = await readings.ending(id, { client, signal: reader.signal });
  if (whole === undefined) throw unknownCall(id);
  return whole;
}
