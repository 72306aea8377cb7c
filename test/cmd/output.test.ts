import { describe, expect, test } from "vitest";
import { jsonLine } from "../../cmd/output/json.js";
import { painter, showsColours } from "../../cmd/output/paint.js";
import { summarize } from "../../cmd/output/schema-summary.js";
import { table } from "../../cmd/output/table.js";
import { oneLine, textWidth, wrap } from "../../cmd/output/text-width.js";

const plain = painter(false);
const columns = [
  { header: "NAME", flexible: true },
  { header: "N", align: "right" },
  { header: "TEXT", flexible: true },
] as const;

describe("a table", () => {
  test("aligns its columns, also over wide characters", () => {
    const text = table(
      columns,
      [
        ["a", "1", "one"],
        ["日本", "22", "two"],
      ],
      undefined,
      plain,
    );
    expect(text).toBe("NAME   N  TEXT\na      1  one\n日本  22  two\n");
  });

  test("fits the terminal: the last flexible column gives way first", () => {
    const rows = [["name", "1", "a long text that does not fit"]];
    const text = table(columns, rows, 24, plain);
    expect(text.split("\n").every((line) => textWidth(line) <= 24)).toBe(true);
    expect(text).toContain("name  1  a long text");
    expect(text).toContain("…");
  });

  test("shows a stranger's text on one line, without what a terminal would obey", () => {
    const text = table(columns, [["a\u001b[2J\nb", "1", "x\u202ey\u009b31m"]], undefined, plain);
    expect(text).toBe("NAME   N  TEXT\na[2J b  1  xy31m\n".replace("NAME   N", "NAME    N"));
  });

  test("has colours only where asked for", () => {
    const rows = [[{ text: "healthy", style: "good" } as const, "1", ""]];
    expect(table(columns, rows, undefined, plain)).not.toContain("\u001b");
    expect(table(columns, rows, undefined, painter(true))).toContain("\u001b[32mhealthy");
  });
});

test("colours need a terminal that shows them, and no NO_COLOR", () => {
  expect(showsColours({ isTTY: true }, {})).toBe(true);
  expect(showsColours({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
  expect(showsColours({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  expect(showsColours({}, {})).toBe(false);
});

test("JSON is shown without characters that a terminal would obey", () => {
  const line = jsonLine({ a: "\u001b[2J\u009b31m\u2028" });
  expect(line).toBe('{"a":"\\u001b[2J\\u009b31m\\u2028"}');
  expect(JSON.parse(line)).toEqual({ a: "\u001b[2J\u009b31m\u2028" });
});

test("texts are wrapped at spaces, and made one line where they must be", () => {
  expect(wrap("aaa bbb ccc\n\nddd", 7)).toEqual(["aaa bbb", "ccc", "", "ddd"]);
  expect(oneLine("  a\r\n\tb ")).toBe("a b");
});

test("a schema is summarized by its properties", () => {
  const { properties } = summarize({
    type: "object",
    required: ["a"],
    properties: {
      a: { type: "string", description: "Text." },
      b: { type: "array", items: { type: "integer" } },
      c: { enum: ["x", 1], default: "x" },
      d: { anyOf: [{ type: "string" }, { type: "null" }] },
      e: true,
      f: { type: "array", items: { type: "object", properties: { x: true, y: true }, required: ["x"] } },
    },
  });
  expect(properties.map(({ name, type, required }) => [name, type, required])).toEqual([
    ["a", "string", true],
    ["b", "integer[]", false],
    ["c", '"x" | 1', false],
    ["d", "string | null", false],
    ["e", "any", false],
    ["f", "{x, y?}[]", false],
  ]);
  expect(properties[2]?.description).toBe('["x"]');
  expect(summarize(true)).toEqual({ type: "any JSON", properties: [] });
});
