import type { FaultLog } from "../../src/observe/recurring-faults.js";

/** A fault log that writes nothing. */
export const SILENT_FAULTS: FaultLog = { warn() {} };
