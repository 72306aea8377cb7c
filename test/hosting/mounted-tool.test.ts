import { describe, expect, test } from "vitest";
import { embedSchema } from "../../src/hosting/embed-schema.js";
import { fitTitle, mountTools } from "../../src/hosting/mounted-tool.js";

const object = { type: "object" };

describe("tools of a server", () => {
  test("keep their names, titles, descriptions, schemas and annotations", () => {
    const inputSchema = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
    const annotations = { title: "Hinted", readOnlyHint: true, idempotentHint: true, custom: 1 };
    const { tools, skipped } = mountTools([
      { name: "read", title: "Read", description: "Reads.", inputSchema, annotations },
      { name: "ns/write.v2", inputSchema: object, annotations: { title: "Write" } },
    ]);
    expect(skipped).toEqual([]);
    expect(tools).toMatchObject([
      {
        name: "read",
        title: "Read",
        description: "Reads.",
        payload: inputSchema,
        annotations: { readOnlyHint: true, idempotentHint: true },
      },
      { name: "ns/write.v2", title: "Write", description: "", payload: object },
    ]);
    expect(tools[0]?.annotations).not.toHaveProperty("custom");
    expect(tools[1]).not.toHaveProperty("annotations");
  });

  test("keep what a contract has no place of its own for, under MCP's names", () => {
    const further = {
      _meta: { "example.com/tier": 2 },
      icons: [{ src: "https://example.com/i.png", mimeType: "image/png" }],
      execution: { taskSupport: "optional" },
      later: true,
    };
    const annotations = { title: "Short", readOnlyHint: true, audience: ["user"], nothing: null };
    const { tools } = mountTools([
      { name: "a", title: "Long", inputSchema: object, ...further, annotations },
      { name: "b", inputSchema: object, annotations: { title: "B", openWorldHint: true } },
    ]);
    expect(tools[0]?.meta).toEqual({ ...further, annotations: { title: "Short", audience: ["user"] } });
    expect(tools[1]).not.toHaveProperty("meta");
  });

  test("lose of that what is too much, deep or never allowed, and the operator is told", () => {
    const deep = JSON.parse(`${"[".repeat(1_000)}${"]".repeat(1_000)}`);
    const { tools, notes } = mountTools([
      {
        name: "a",
        inputSchema: object,
        _meta: { fine: 1 },
        icons: [{ src: `data:${"x".repeat(70_000)}` }],
        deep,
        bad: JSON.parse('{"__proto__":1}'),
      },
    ]);
    expect(tools[0]?.meta).toEqual({ _meta: { fine: 1 } });
    expect(notes.map((note) => note.split(" ")[0]).sort()).toEqual(["bad", "deep", "icons"]);
  });

  test("that cannot be registered are left out, each with its reason", () => {
    const { tools, skipped } = mountTools([
      { name: "good", inputSchema: object },
      { name: "good", inputSchema: object },
      { name: ".hidden", inputSchema: object },
      { name: "with space", inputSchema: object },
      { name: "bare" },
      { name: "in", inputSchema: [] },
      { name: "task", inputSchema: object, execution: { taskSupport: "required" } },
      { name: "deep", inputSchema: JSON.parse(`${'{"not":'.repeat(5_000)}{}${"}".repeat(5_000)}`) },
      { name: "large", inputSchema: { type: "object", description: "x".repeat(300_000) } },
      { inputSchema: object },
      null,
    ]);
    expect(tools.map(({ name }) => name)).toEqual(["good"]);
    expect(skipped.map(({ name, why }) => [name, why.split(" ").slice(0, 3).join(" ")])).toEqual([
      ["good", "the server lists"],
      [".hidden", "its name must"],
      ["with space", "its name must"],
      ["bare", "it has no"],
      ["in", "its inputSchema is"],
      ["task", "it can only"],
      ["deep", "its inputSchema nests"],
      ["large", "its inputSchema has"],
      ["#10", "it has no"],
      ["#11", "it has no"],
    ]);
  });

  test("of which only the outputSchema cannot be sent are served without it", () => {
    const deep = JSON.parse(`${'{"not":'.repeat(5_000)}{}${"}".repeat(5_000)}`);
    const { tools, skipped } = mountTools([
      { name: "word", inputSchema: object, outputSchema: "no" },
      { name: "deep", inputSchema: object, outputSchema: deep },
      { name: "plain", inputSchema: object },
    ]);
    expect(tools.map(({ result }) => result)).toEqual(tools.map(() => tools[2]?.result));
    expect(skipped).toEqual([
      { name: "word", part: "result_schema", why: "its outputSchema is not an object" },
      { name: "deep", part: "result_schema", why: "its outputSchema nests more than 60 levels" },
    ]);
  });

  test("whose schemas allow numbers that no double surely holds are left out, since others would be allowed instead", () => {
    const id = JSON.parse("725653563933458433"); // ...400, as every reader of JSON here has it
    const schema = (a: object) => ({ type: "object", properties: { a } });
    const { tools, skipped } = mountTools([
      { name: "one", inputSchema: schema({ enum: [1, id] }) },
      { name: "other", inputSchema: schema({ items: { const: { b: [-id] } } }) },
      { name: "result", inputSchema: object, outputSchema: schema({ const: id }) },
      {
        name: "fine",
        inputSchema: schema({ maximum: id, default: id, examples: [id], enum: [2 ** 53 - 1, 0.1, "x"] }),
      },
    ]);
    expect(tools.map(({ name }) => name)).toEqual(["result", "fine"]);
    const why = (which: string) => `its ${which} allows a number beyond 2^53, which is rounded when it is read`;
    expect(skipped).toEqual([
      { name: "one", part: "tool", why: why("inputSchema") },
      { name: "other", part: "tool", why: why("inputSchema") },
      { name: "result", part: "result_schema", why: why("outputSchema") },
    ]);
  });

  test("whose texts were cut within a character are whole again", () => {
    const cut = "A long text \ud83d";
    const whole = "A long text \ufffd";
    const schema = (description: string) => ({ type: "object", properties: { [description]: { description } } });
    const { tools, skipped } = mountTools([
      {
        ...{ name: "a", title: cut, description: cut, inputSchema: schema(cut), outputSchema: schema(cut) },
        ...{ _meta: { [cut]: [cut] }, annotations: { [cut]: cut } },
      },
    ]);
    expect(skipped).toEqual([]);
    expect(tools).toMatchObject([
      {
        ...{ title: whole, description: whole, payload: schema(whole) },
        ...{ result: { properties: { structuredContent: schema(whole) } } },
        meta: { _meta: { [whole]: [whole] }, annotations: { [whole]: whole } },
      },
    ]);
    expect(fitTitle(`${"x".repeat(254)}\u{1f600}`)).toBe(`${"x".repeat(254)}\ufffd…`);
  });

  test("have null where they have nothing", () => {
    const nothing = {
      title: null,
      description: null,
      outputSchema: null,
      annotations: null,
      execution: null,
      _meta: null,
    };
    const plain = mountTools([{ name: "a", inputSchema: object }]);
    expect(mountTools([{ name: "a", inputSchema: object, ...nothing, icons: null }])).toEqual(plain);
  });

  test("beyond what a toolset may have are left out", () => {
    const listed = Array.from({ length: 1_030 }, (_, index) => ({ name: `t${index}`, inputSchema: object }));
    const { tools, skipped } = mountTools(listed);
    expect(tools).toHaveLength(1_024);
    expect(skipped.map(({ name }) => name)).toEqual(["t1024", "t1025", "t1026", "t1027", "t1028", "t1029"]);
    expect(mountTools(listed, { only: ["t1029"] }).tools).toHaveLength(1);
  });

  test("are chosen by the operator", () => {
    const listed = ["a", "b", "c"].map((name) => ({ name, inputSchema: object }));
    const names = (choice: Parameters<typeof mountTools>[1]): string[] =>
      mountTools(listed, choice).tools.map(({ name }) => name);
    expect(names({ only: ["a", "b"] })).toEqual(["a", "b"]);
    expect(names({ skip: ["b"] })).toEqual(["a", "c"]);
    expect(names({ only: ["a", "b"], skip: ["a"] })).toEqual(["b"]);
  });

  test("have texts that the registry refuses made to fit, and the operator is told", () => {
    const { tools, notes } = mountTools([
      {
        name: "long",
        title: `\u001b[31m${"t".repeat(300)}`,
        description: `\u0000${"ü".repeat(20_000)}`,
        inputSchema: object,
      },
    ]);
    expect(tools[0]?.title).toHaveLength(256);
    expect(tools[0]?.title).toMatch(/^\[31mttt/);
    expect(Buffer.byteLength(tools[0]?.description ?? "")).toBeLessThanOrEqual(16 * 1024);
    expect(tools[0]?.description).not.toContain("\uFFFD");
    expect(notes).toHaveLength(2);
  });

  test("give the MCP answer as their result; an outputSchema constrains its structuredContent", () => {
    const outputSchema = { $schema: "http://json-schema.org/draft-07/schema#", type: "object", required: ["n"] };
    const { tools } = mountTools([
      { name: "plain", inputSchema: object },
      { name: "typed", inputSchema: object, outputSchema },
    ]);
    expect(tools[0]?.result).toMatchObject({ required: ["content"] });
    expect(tools[1]?.result).toMatchObject({
      $schema: "http://json-schema.org/draft-07/schema#",
      required: ["content", "structuredContent"],
      properties: { structuredContent: { type: "object", required: ["n"] } },
    });
  });
});

describe("schemas that refer to documents", () => {
  const listed = [
    { name: "a", inputSchema: { $ref: "https://example.com/a" }, outputSchema: { $ref: "https://example.com/b" } },
  ];

  test("get what the operator gave, and nothing else", () => {
    const documents = { "https://example.com/a": { type: "object", required: ["x"] } };
    const [tool] = mountTools(listed, { schemaDocuments: documents }).tools;
    expect(tool?.payload).toEqual({ $ref: "#/$defs/a", $defs: { a: { type: "object", required: ["x"] } } });
    expect(tool?.result).toMatchObject({ properties: { structuredContent: { $ref: "https://example.com/b" } } });
    expect(mountTools(listed).tools[0]?.payload).toEqual({ $ref: "https://example.com/a" });
  });

  test("may be of draft-04, whose id is left to what is below it", () => {
    const $schema = "http://json-schema.org/draft-04/schema#";
    const outputSchema = {
      $schema,
      definitions: { a: { id: "x", items: { $ref: "#" } } },
      items: { $ref: "#/definitions/a" },
    };
    const { tools } = mountTools([{ name: "a", inputSchema: {}, outputSchema }]);
    expect(tools[0]?.result).toMatchObject({
      $schema,
      properties: {
        structuredContent: {
          definitions: { a: { items: { $ref: "#" } } },
          items: { $ref: "#/properties/structuredContent/definitions/a" },
        },
      },
    });
  });
});

describe("a schema within another", () => {
  test("has its references to itself turned to where it stands", () => {
    const schema = {
      $defs: { node: { type: "object", properties: { next: { $ref: "#/$defs/node" }, root: { $ref: "#" } } } },
      $ref: "#/$defs/node",
    };
    expect(embedSchema(schema, "#/properties/a")).toEqual({
      $defs: {
        node: {
          type: "object",
          properties: { next: { $ref: "#/properties/a/$defs/node" }, root: { $ref: "#/properties/a" } },
        },
      },
      $ref: "#/properties/a/$defs/node",
    });
  });

  test("keeps data, properties of the same name, anchors, and what has an id of its own", () => {
    const schema = {
      properties: { $ref: { type: "string" }, a: { $ref: "#anchor" } },
      enum: [{ $ref: "#/x" }],
      $defs: { own: { $id: "https://example.com/own", $ref: "#/x" } },
    };
    expect(embedSchema(schema, "#/p")).toEqual(schema);
  });
});
