import { describe, expect, test } from "vitest";
import { summarise } from "../../src/local-cluster/summarise.js";

describe("a result in short", () => {
  test("is the text of an MCP answer, on one line", () => {
    const content = [{ type: "text", text: "[DIR] a\n[FILE] b" }, { type: "image" }];
    expect(summarise({ content }, 40)).toBe("[DIR] a, [FILE] b");
  });

  test("is JSON otherwise, and never longer than the width", () => {
    expect(summarise({ slug: "a-b" }, 40)).toBe('{"slug":"a-b"}');
    expect(summarise({ content: [] }, 40)).toBe('{"content":[]}');
    expect(summarise(undefined, 40)).toBe("null");
    expect(summarise("x".repeat(99), 10)).toBe('"xxxxxxxx…');
  });
});
