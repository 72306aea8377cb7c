import { status } from "@grpc/grpc-js";
import { ERROR_CODES } from "../../src/errors/codes.js";

const RETRY = { no: "no", later: "later", elsewhere: "on another node" } as const;

/** The error table as Markdown, for docs/errors.md: one row per reason, in the order of the code table. */
export function renderErrorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([reason, code]) =>
      `| \`${reason}\` | \`${status[code.status]}\` | ${code.http} | ${RETRY[code.retry]} | ${code.meaning} | ${code.remedy} |`,
  );
  return ["| Reason | gRPC status | HTTP | Retry | Meaning | What to do |", "|---|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}
