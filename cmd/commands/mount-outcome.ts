import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { MountClosed } from "../../src/hosting/mount-options.js";
import type { SkippedPart } from "../../src/hosting/mounted-tool.js";
import type { Output } from "../output/output.js";

/** What was left out of a mount, as the end of a sentence's part; nothing where that is nothing. */
export function leftOut(skipped: readonly SkippedPart[]): string {
  const gone = skipped.filter(({ part }) => part === "tool").length;
  const left = [
    ...(gone === 0 ? [] : [counted(gone, "tool")]),
    ...(gone === skipped.length ? [] : [counted(skipped.length - gone, "result schema")]),
  ];
  return left.length === 0 ? "" : ` (without ${left.join(" and ")}, see above)`;
}

/**
 * Says how a mount ended.
 *
 * @throws ToolgateError when it did not end because it was told to
 */
export function concludeMount(output: Output, name: string, reason: MountClosed): void {
  if (output.json) output.jsonData({ event: "unmounted", toolset: name, reason: reason.kind });
  switch (reason.kind) {
    case "stopped":
      output.note(`${name} is unmounted.`);
      return;
    case "retired":
      throw new ToolgateError(
        "EPOCH_MISMATCH",
        `A newer contract of ${name} has taken the place of this one, and its time is over.`,
      );
    case "unregistered":
      throw new ToolgateError("LEASE_LOST", `${name} was unregistered; mount it again to register it anew.`);
    case "replaced":
      throw new ToolgateError(
        "LEASE_LOST",
        `A later start of the same provider of ${name} has taken the place of this one.`,
      );
    case "failed":
      throw reason.error;
    default:
      reason satisfies never;
  }
}

/** A number of things. */
export function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
