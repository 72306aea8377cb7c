import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
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
