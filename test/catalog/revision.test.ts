import { expect, test } from "vitest";
import { bindRevision, unbindRevision } from "../../src/catalog/revision.js";

const REVISION = "1-0,2-0";

test("where all readers see the same, a revision is what it is, as versions without tenants write it", () => {
  expect(bindRevision(REVISION, [])).toBe(REVISION);
  expect(unbindRevision(REVISION, [])).toBe(REVISION);
});

test("a revision is of use to readers of the same tenant that see the same, and to no others", () => {
  const bound = bindRevision(REVISION, ["acme", "view"]);
  expect(unbindRevision(bound, ["acme", "view"])).toBe(REVISION);
  for (const scope of [
    ["beta", "view"],
    ["acme", "other"],
  ])
    expect(unbindRevision(bound, scope)).toBe("");
  expect(unbindRevision(REVISION, ["acme", "view"])).toBe("");
});
