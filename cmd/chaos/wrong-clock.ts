import { environment } from "../../src/config/environment.js";

/** Loaded before a program whose wall clock is to be wrong: `Date.now()` is off, while timers and the monotonic clock are right. */

const offMs = Number(environment().CHAOS_CLOCK_OFF_MS ?? "0");
const rightMs = Date.now;
Date.now = () => rightMs() + offMs;
