import { providersOf } from "../provider-names.js";
import { type CallFile, linesOf } from "./call-file.js";
import type { Violation } from "./evidence.js";

/** A call runs with the providers of its own toolset, and with no other tenant's of the same name. */
export function checkTenants(file: CallFile): Violation[] {
  const [asked] = file.asked;
  if (asked === undefined) return [];
  const stranger = file.starts.find(({ incarnation }) => !incarnation.startsWith(providersOf(asked.toolset)));
  if (stranger === undefined) return [];
  return [
    {
      rule: "a call runs with its own toolset's providers",
      sort: "other",
      call: file.call,
      message: `a call of ${asked.toolset} ran with ${stranger.incarnation}`,
      evidence: linesOf(file),
    },
  ];
}
