import { expect, test } from "vitest";
import { parseAuditRecord, writeAuditRecord } from "../../../src/store/audit/audit-record.js";
import { recordOf } from "../../access/audit/audit-fixture.js";

test("a record is read as it was written, whatever its texts are", () => {
  for (const id of ["agent", "-", "", "a b", "x\ny", "ü💥", 'q"\\', "%2D", "1 call"]) {
    const record = recordOf({
      principal: { tenant: "acme", id },
      credential: `token/https://idp#${id}`,
      omitted: 12,
      tookMs: 7,
    });
    const line = writeAuditRecord(record);
    expect(line).not.toContain("\n");
    expect(line.split(" ")).toHaveLength(21);
    expect(parseAuditRecord(line)).toEqual(record);
  }
});

test("long texts are cut", () => {
  const { principal } =
    parseAuditRecord(writeAuditRecord(recordOf({ principal: { tenant: "acme", id: "x".repeat(5_000) } }))) ?? {};
  expect(principal?.id).toHaveLength(256);
});

test("a later version's further words are passed over, and another format is none of ours", () => {
  const line = writeAuditRecord(recordOf({}));
  expect(parseAuditRecord(`${line} later words`)).toEqual(recordOf({}));
  for (const text of ["", "1", "2".concat(line.slice(1)), line.split(" ").slice(0, 20).join(" ")])
    expect(parseAuditRecord(text)).toBeUndefined();
});
