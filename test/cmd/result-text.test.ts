import { expect, test } from "vitest";
import { resultText } from "../../cmd/output/result-text.js";
import { rawJson } from "../../src/json/raw-json.js";

const shown = (result: unknown): string => resultText(rawJson(JSON.stringify(result)));

test("the content of an MCP answer is shown as what it is", () => {
  const content = [
    { type: "text", text: "[DIR] .ci\n[FILE] a\u001b[2J" },
    { type: "image", data: "AAAA", mimeType: "image/png" },
    { type: "resource_link", uri: "file:///a", name: "a" },
    { type: "resource", resource: { uri: "file:///b", text: "of b" } },
    { type: "resource", resource: { uri: "file:///c", blob: "AAAA", mimeType: "x/y" } },
    { type: "new", n: 1 },
  ];
  expect(shown({ content, structuredContent: { a: 1 } }).split("\n")).toEqual([
    "[DIR] .ci",
    "[FILE] a[2J",
    "[image image/png, 3 bytes; --raw has it]",
    "[link: a file:///a]",
    "of b",
    "[resource x/y: file:///c, 3 bytes; --raw has it]",
    "{",
    '  "type": "new",',
    '  "n": 1',
    "}",
  ]);
});

test.each([
  [{ content: [] }],
  [{ content: "text" }],
  [{ content: [{ type: "text", text: "x" }], total: 1 }],
  [{ content: [{ text: "x" }] }],
  [[1]],
  ["x"],
])("%j is no MCP answer, and is shown as JSON", (result) => {
  expect(JSON.parse(shown(result))).toEqual(result);
});

test("numbers keep their digits", () => {
  expect(resultText(rawJson("12345678901234567890.00"))).toBe("12345678901234567890.00");
});
