import { describe, expect, test } from "vitest";
import { prettyLine } from "../../src/local-cluster/pretty-line.js";

describe("a log line for people", () => {
  const entry = JSON.stringify({ level: "warn", time: "2026-01-02T03:04:05.678Z", event: "redis_error", attempt: 2 });

  test("has the time, the node, the level, the event and the fields", () => {
    expect(prettyLine("node 1", entry, false)).toBe("03:04:05.678  node 1  warn   redis_error  attempt=2");
    const plain = prettyLine("node 1", entry, false);
    expect(prettyLine("node 1", entry, true)).toBe(`\u001b[33m${plain}\u001b[0m`);
  });

  test("stays as it is when it is no JSON", () => {
    expect(prettyLine("node 1", "boom", true)).toBe("node 1  boom");
    expect(prettyLine("node 1", "{boom", true)).toBe("node 1  {boom");
  });
});
