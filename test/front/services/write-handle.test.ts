import { expect, test } from "vitest";
import { writeHandle } from "../../../src/front/services/write-handle.js";
import { parseCallId } from "../../../src/identity/call-id.js";
import { DEFAULT_TENANT } from "../../../src/identity/tenant.js";
import type { CallHead } from "../../../src/store/calls/call-record.js";

const ID = parseCallId("0.AAAAAAAAAAAAAAAAAAAAAA");

test("a handle says when the call has ended at the latest, and until when its outcome can be read", () => {
  const head = {
    toolset: "math",
    tool: "sum",
    epoch: 7,
    digest: "d",
    delivery: "once",
    deadlineMs: 1_000,
    retentionMs: 500,
  };
  expect(writeHandle(ID, head as CallHead, DEFAULT_TENANT)).toEqual({
    callId: ID,
    toolset: "math",
    tool: "sum",
    epoch: 7,
    digest: "d",
    deadlineMs: 1_000,
    expiresMs: 1_500,
  }); // the brands only name what is there
});
