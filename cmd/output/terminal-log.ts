import type { MountLog } from "../../src/hosting/mount-log.js";
import { jsonLine } from "./json.js";
import type { Output } from "./output.js";
import { safeLines } from "./text-width.js";

/** A log on stderr: the messages for people or, with --json, one JSON line per event. */
export function terminalLog(output: Output, now: () => Date = () => new Date()): MountLog {
  const { paintNotes } = output;
  const write = (level: string, mark: string, fields: object, message: string): void => {
    if (output.json) output.diagnostic(jsonLine({ level, time: now().toISOString(), ...fields, msg: message }));
    else output.diagnostic(`${mark}${safeLines(message)}`);
  };
  return {
    debug: (fields, message) => {
      if (output.json) write("debug", "", fields, message);
    },
    info: (fields, message) => write("info", "", fields, message),
    warn: (fields, message) => write("warn", `${paintNotes.warn("warning:")} `, fields, message),
    error: (fields, message) => write("error", `${paintNotes.bad("error:")} `, fields, message),
  };
}
