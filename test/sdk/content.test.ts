import { expect, test } from "vitest";
import { content } from "../../src/index.js";

test("content is made in MCP's form", () => {
  const bytes = Buffer.from("png");
  const link = content.resourceLink("file:///a", "a", { mimeType: "text/plain", size: 3 });
  const parts = [
    content.text("hello", { audience: ["user"] }),
    content.image(bytes, "image/png"),
    content.audio("AAAA", "audio/wav"),
    link,
    content.resource("file:///b", "text of b", "text/plain"),
    content.resource("file:///c", bytes),
  ];
  expect(content.result(parts, { n: 1 })).toEqual({
    content: [
      { type: "text", text: "hello", annotations: { audience: ["user"] } },
      { type: "image", data: "cG5n", mimeType: "image/png" },
      { type: "audio", data: "AAAA", mimeType: "audio/wav" },
      { type: "resource_link", uri: "file:///a", name: "a", mimeType: "text/plain", size: 3 },
      { type: "resource", resource: { uri: "file:///b", mimeType: "text/plain", text: "text of b" } },
      { type: "resource", resource: { uri: "file:///c", blob: "cG5n" } },
    ],
    structuredContent: { n: 1 },
  });
  expect(content.result("plain")).toEqual({ content: [{ type: "text", text: "plain" }] });
  expect(content.result(link)).toEqual({ content: [link] });
});

test("text and images are read from what a tool answered, whatever it is", () => {
  const answer = content.result([
    content.text("one"),
    content.image(Buffer.from("png"), "image/png"),
    content.resource("file:///b", "two"),
  ]);
  expect(content.readText(answer)).toBe("one\ntwo");
  expect(content.readImages(answer)).toEqual([{ data: Buffer.from("png"), mimeType: "image/png" }]);
  for (const other of [
    undefined,
    null,
    1,
    "text",
    {},
    { content: "x" },
    { content: [1] },
    { content: [{ type: "text" }] },
  ]) {
    expect(content.readText(other)).toBe("");
    expect(content.readImages(other)).toEqual([]);
  }
});
