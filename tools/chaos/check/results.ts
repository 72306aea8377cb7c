import { type CallFile, linesOf, readTerminals } from "./call-file.js";
import type { Violation } from "./evidence.js";

/** What broke when a result is another payload's. */
export const WRONG_RESULT = "a result is that of its own call";

/** A result is that of its call's own payload, wherever it is read. */
export function checkResults(file: CallFile): Violation[] {
  const [asked] = file.asked;
  if (asked === undefined) return [];
  const told = [...file.ended.map(({ terminal }) => terminal), ...readTerminals(file)];
  const wrong = told.find(({ kind, body }) => kind === "result" && numberOf(body) !== asked.n);
  if (wrong === undefined) return [];
  return [
    {
      rule: WRONG_RESULT,
      sort: "other",
      call: file.call,
      message: `asked with ${asked.n}, and answered with ${wrong.body}`,
      evidence: linesOf(file),
    },
  ];
}

/** The payload's number, which our own tools give back. */
function numberOf(body: string): number | undefined {
  return (JSON.parse(body) as { readonly n?: number } | null)?.n;
}
