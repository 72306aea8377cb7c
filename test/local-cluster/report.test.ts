import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { brief } from "../../src/local-cluster/brief.js";
import { prettyLine } from "../../src/local-cluster/pretty-line.js";
import { Report } from "../../src/local-cluster/report.js";

describe("a row", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function rowThatTakes(ms: number, isTTY: boolean): Promise<string> {
    let text = "";
    const report = new Report({ isTTY, columns: 40, write: (more) => (text += more) });
    const row = report.row("redis", async (progress) => {
      progress("installing something with a name longer than the line");
      await new Promise<void>((resolve) => setTimeout(resolve, ms));
      return { value: "127.0.0.1:1", remark: "private" };
    });
    await vi.advanceTimersByTimeAsync(ms);
    await row;
    return text;
  }

  test("that is quick is one aligned line", async () => {
    expect(await rowThatTakes(500, true)).toBe("  redis    127.0.0.1:1        private\n");
  });

  test("that takes over a second shows progress in place on a terminal, never wider than it", async () => {
    const shown = (await rowThatTakes(2_500, true)).split("\r\u001b[K");
    expect(shown.at(-1)).toBe("  redis    127.0.0.1:1        private\n");
    expect(shown.slice(1, -1)).toHaveLength(2);
    for (const line of shown) expect(line.length).toBeLessThanOrEqual(40);
  });

  test("that takes over a second says what it does once, where lines cannot be rewritten", async () => {
    expect(await rowThatTakes(2_500, false)).toBe(
      "  redis    installing something with a name longer than the line …\n  redis    127.0.0.1:1        private\n",
    );
  });
});

describe("a result in short", () => {
  test("is the text of an MCP answer, on one line", () => {
    const content = [{ type: "text", text: "[DIR] a\n[FILE] b" }, { type: "image" }];
    expect(brief({ content }, 40)).toBe("[DIR] a, [FILE] b");
  });

  test("is JSON otherwise, and never longer than the width", () => {
    expect(brief({ slug: "a-b" }, 40)).toBe('{"slug":"a-b"}');
    expect(brief({ content: [] }, 40)).toBe('{"content":[]}');
    expect(brief(undefined, 40)).toBe("null");
    expect(brief("x".repeat(99), 10)).toBe('"xxxxxxxx…');
  });
});

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
