import { describe, expect, test } from "vitest";
import { type Message, readMessage } from "../../../src/front/mcp/message.js";
import { decodeHeader, negotiated, readEnvelope } from "../../../src/front/mcp/revision.js";

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};
const HEADERS = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "sum" };

function message(params: object, method = "tools/call"): Message {
  const read = readMessage(Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })));
  if (read.kind !== "message") throw new Error("no message");
  return read.message;
}

const modern = (headers: Record<string, string> = HEADERS, meta: object = META) =>
  readEnvelope(message({ name: "sum", _meta: meta }), headers);

describe("a modern request", () => {
  test("says its revision in the body and in the headers", () => {
    expect(modern()).toMatchObject({ revision: "2026-07-28" });
    const encoded = `=?base64?${Buffer.from("sum").toString("base64")}?=`;
    expect(modern({ ...HEADERS, "mcp-name": encoded })).toMatchObject({ revision: "2026-07-28" });
    expect(modern({ ...HEADERS, "mcp-name": "  sum " })).toMatchObject({ revision: "2026-07-28" });
  });

  test.each<[string, Record<string, string>]>([
    ["without its version", { "mcp-method": "tools/call", "mcp-name": "sum" }],
    ["without its method", { "mcp-protocol-version": "2026-07-28", "mcp-name": "sum" }],
    ["without its name", { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" }],
    ["with another version", { ...HEADERS, "mcp-protocol-version": "2025-11-25" }],
    ["with another method", { ...HEADERS, "mcp-method": "tools/list" }],
    ["with another name", { ...HEADERS, "mcp-name": "delete" }],
    ["with the name in other letters", { ...HEADERS, "mcp-name": "Sum" }],
    ["with two names", { ...HEADERS, "mcp-name": "sum, delete" }],
    ["with a name that is no Base64", { ...HEADERS, "mcp-name": "=?base64?c3V!?=" }],
    [
      "with a name that is no UTF-8",
      { ...HEADERS, "mcp-name": `=?base64?${Buffer.from([0xff]).toString("base64")}?=` },
    ],
  ])("is refused %s in its headers", (_what, headers) => {
    expect(modern(headers)).toMatchObject({ kind: "error", error: { code: -32_020 }, status: 400 });
  });

  test.each<[string, object, number]>([
    ["no version", { "io.modelcontextprotocol/clientCapabilities": {} }, -32_602],
    ["a version that is a number", { ...META, "io.modelcontextprotocol/protocolVersion": 1 }, -32_602],
    [
      "an unknown version that its header does not say",
      { ...META, "io.modelcontextprotocol/protocolVersion": "1999-01-01" },
      -32_020,
    ],
    ["no capabilities", { "io.modelcontextprotocol/protocolVersion": "2026-07-28" }, -32_602],
    ["capabilities that are a list", { ...META, "io.modelcontextprotocol/clientCapabilities": [] }, -32_602],
  ])("is refused with %s", (_what, meta, code) => {
    expect(modern(HEADERS, meta)).toMatchObject({ kind: "error", error: { code }, status: 400 });
  });
});

test.each<[string, Record<string, string>]>([
  ["in its headers too", { ...HEADERS, "mcp-protocol-version": "1999-01-01" }],
  ["in its body alone", { "mcp-method": "tools/call", "mcp-name": "sum" }],
])("a request of an unknown version, %s, is told which there are", (_what, headers) => {
  expect(modern(headers, { ...META, "io.modelcontextprotocol/protocolVersion": "1999-01-01" })).toMatchObject({
    status: 400,
    error: { code: -32_022, data: { requested: "1999-01-01", supported: expect.arrayContaining(["2026-07-28"]) } },
  });
});

describe("a legacy request", () => {
  const legacy = (headers: Record<string, string>, method = "tools/list") => readEnvelope(message({}, method), headers);

  test("says its revision in a header, or none", () => {
    expect(legacy({ "mcp-protocol-version": "2025-11-25" })).toMatchObject({ revision: "2025-11-25" });
    expect(legacy({})).toMatchObject({ revision: "2025-03-26" });
  });

  test("is refused with an unknown one, and told which there are", () => {
    expect(legacy({ "mcp-protocol-version": "2024-01-01" })).toMatchObject({
      kind: "error",
      status: 400,
      error: { code: -32_022, data: { requested: "2024-01-01", supported: expect.arrayContaining(["2026-07-28"]) } },
    });
  });

  test("begins by agreeing on one", () => {
    expect(negotiated("2025-06-18")).toBe("2025-06-18");
    expect(negotiated("2030-01-01")).toBe("2025-11-25");
    expect(negotiated("2026-07-28")).toBe("2025-11-25"); // which has no such opening
    expect(negotiated(undefined)).toBe("2025-11-25");
  });
});

test("headers are decoded as they were encoded", () => {
  expect(decodeHeader("plain")).toBe("plain");
  expect(decodeHeader("=?base64?aMOk?=")).toBe("h\u00e4");
  expect(decodeHeader("=?BASE64?aMOk?=")).toBe("h\u00e4");
  expect(decodeHeader("=?base64??=")).toBe("");
});
