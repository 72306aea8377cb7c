import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPayload } from "../../cmd/commands/payload.js";
import { payloadOf } from "../../cmd/commands/payload-pairs.js";
import { Output } from "../../cmd/output/output.js";
import type { JsonSchema } from "../../src/index.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const silent = { write: () => true };
const output = new Output(false, silent, silent, {});

/** The payload that the words on a command line stand for. */
async function sent(schema: JsonSchema, ...words: string[]): Promise<string> {
  const payload = await readPayload({ words, file: undefined }, output);
  if (payload.kind === "pairs") return payloadOf(payload.pairs, schema);
  return payload.kind === "json" ? Buffer.from(payload.bytes).toString() : "";
}

const SCHEMA: JsonSchema = {
  type: "object",
  $defs: { amount: { type: "number" } },
  properties: {
    text: { type: "string" },
    whole: { type: "integer" },
    amount: { $ref: "#/$defs/amount" },
    flag: { type: "boolean" },
    maybe: { anyOf: [{ type: "integer" }, { type: "null" }] },
    either: { type: ["string", "number"] },
    level: { enum: [1, 2, "high"] },
    values: { type: "array", items: { type: "number" } },
    tags: { type: "array" },
    place: { type: "object", properties: { x: { type: "number" }, name: { type: "string" } } },
    "a.b": { type: "boolean" },
    anything: true,
  },
};

describe("what is JSON is sent as it is written", () => {
  test.each(['{"a": 1.0,  "b": 12345678901234567890}', "[1]", '"x=y"', "10.00", " true ", "null", '{"a": "b=c"}'])(
    "%s",
    async (json) => {
      expect(await sent(SCHEMA, json)).toBe(json);
    },
  );
});

describe("pairs become an object by the tool's schema", () => {
  test.each<[string[], string]>([
    [["text=12"], '{"text":"12"}'],
    [["text=a=b"], '{"text":"a=b"}'],
    [["text="], '{"text":""}'],
    [["whole=12345678901234567890"], '{"whole":12345678901234567890}'],
    [["amount=10.00"], '{"amount":10.00}'],
    [["flag=true", "text=true"], '{"flag":true,"text":"true"}'],
    [["maybe=null"], '{"maybe":null}'],
    [["maybe=7"], '{"maybe":7}'],
    [["either=7"], '{"either":"7"}'],
    [["either:=7"], '{"either":7}'],
    [["level=high"], '{"level":"high"}'],
    [["level=1"], '{"level":1}'],
    [["values=1"], '{"values":[1]}'],
    [["values=1", "values=2.50"], '{"values":[1,2.50]}'],
    [["values=[1, 2]"], '{"values":[1, 2]}'],
    [["tags=a", "tags:=1"], '{"tags":["a",1]}'],
    [["place.x=1", "place.name=1"], '{"place":{"x":1,"name":"1"}}'],
    [['place={"x": 1}'], '{"place":{"x": 1}}'],
    [["a.b=true"], '{"a.b":true}'],
    [["c.d=1", "e\\.f=2", "g\\=h=3"], '{"c":{"d":"1"},"e.f":"2","g=h":"3"}'],
    [["anything=1", 'more:={"n": 1e2}'], '{"anything":"1","more":{"n": 1e2}}'],
    [["__proto__=x", "constructor.name=y"], '{"__proto__":"x","constructor":{"name":"y"}}'],
  ])("%j", async (words, json) => {
    expect(await sent(SCHEMA, ...words)).toBe(json);
  });

  test("a reference by an anchor says nothing of the type", async () => {
    const schema: JsonSchema = {
      type: "object",
      $defs: { n: { $anchor: "n", type: "integer" } },
      properties: { v: { $ref: "#n" } },
    };
    expect(await sent(schema, "v:=1")).toBe('{"v":1}');
    expect(await sent(schema, "v=x")).toBe('{"v":"x"}');
  });

  test("a key that leads deeper than a payload may go is wrong use", async () => {
    const key = (levels: number) => Array.from({ length: levels }, () => "a").join(".");
    expect(JSON.parse(await sent(SCHEMA, `${key(64)}=1`))).toHaveProperty(key(64), "1");
    await expect(sent(SCHEMA, `${key(50_000)}=1`)).rejects.toThrow("at most 64 levels deep");
  });

  test.each(["@/dev/zero", "text=@/dev/zero", "text:=@/dev/zero"])("%s is not read without end", async (word) => {
    await expect(sent(SCHEMA, word)).rejects.toThrow("more than 33554432 bytes");
  });

  test("also where the schema refers to itself", async () => {
    const node: JsonSchema = { $ref: "#", properties: { next: { $ref: "#" } } };
    expect(await sent(node, "next.next.name=x")).toBe('{"next":{"next":{"name":"x"}}}');
  });
});

describe("what does not go together is refused, and named", () => {
  test.each<[string[], RegExp]>([
    [["whole=x"], /whole: the tool takes integer there, and "x" is none/],
    [["whole=1.5"], /whole: the tool takes integer/],
    [["flag=yes"], /flag: the tool takes boolean there/],
    [["values=1", "values=x"], /values: the tool takes number there, and "x" is none/],
    [["text=a", "text=b"], /text is given 2 times/],
    [["place=1", "place.x=1"], /place: the tool takes object|place\.x is given twice/],
    [["place:={}", "place.x=1"], /place\.x is given twice/],
    [["text=a", "other"], /"other" is no pair/],
    [["=x", "a=b"], /"=x" is no pair/],
    [['{"path":', '"."}'], /in several pieces, of which one is "{\\"path\\":"/],
    [["n:=nope"], /payload from n is not JSON: line 1, column 1/],
    [["nope"], /argument is not JSON/],
    [["@/no/such.json"], /file cannot be read/],
    [["text=@/no/such.txt"], /file of text=@ cannot be read/],
  ])("%j", async (words, message) => {
    await expect(sent(SCHEMA, ...words)).rejects.toThrow(message);
  });
});

describe("from files", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "toolgate-payload-"));
    await writeFile(join(folder, "notes.md"), "# Größe\n");
    await writeFile(join(folder, "n.json"), "1.00");
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("the whole, a text and a JSON member", async () => {
    expect(await sent(SCHEMA, `@${join(folder, "n.json")}`)).toBe("1.00");
    expect(await sent(SCHEMA, `text=@${join(folder, "notes.md")}`, `n:=@${join(folder, "n.json")}`)).toBe(
      '{"text":"# Größe\\n","n":1.00}',
    );
  });
});
