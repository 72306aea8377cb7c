import { environment } from "../../src/config/environment.js";

/**
 * Loaded before a program whose wall clock is to be wrong: `Date.now()` is off, or stands still, while timers and the
 * monotonic clock are right.
 */

const { CHAOS_CLOCK_OFF_MS: offMs = "0", CHAOS_CLOCK_STANDS: stands } = environment();
const rightMs = Date.now;
const startMs = rightMs();
Date.now = () => (stands === "true" ? startMs : rightMs()) + Number(offMs);
