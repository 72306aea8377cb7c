import { describe, expect, test } from "vitest";
import type { Contract } from "../../src/contract/contract.js";
import { contractToWire } from "../../src/contract/contract-to-wire.js";
import { parseContract, parseUsableContract } from "../../src/contract/parse-contract.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { Contract__Output } from "../../src/protocol/generated/toolgate/v1/Contract.js";
import type { Tool__Output } from "../../src/protocol/generated/toolgate/v1/Tool.js";
import { LIMITS, wireContract, wireTool } from "./wire-contract.js";

const parse = (more: Partial<Contract__Output> = {}, limits = LIMITS): Contract =>
  parseContract(wireContract(more), limits);
const parseTool = (more: Partial<Tool__Output>) => parse({ tools: [wireTool("sum", more)] }).tools[0];

function refusal(act: () => unknown): ToolgateError {
  try {
    act();
  } catch (error) {
    if (error instanceof ToolgateError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}
const fields = (act: () => unknown): string[] => refusal(act).violations.map(({ field }) => field);

describe("a contract", () => {
  test("says that formats are asserted, or nothing of them", () => {
    expect(parse({ assertFormats: true })).toHaveProperty("assertFormats", true);
    expect(parse({ assertFormats: false })).not.toHaveProperty("assertFormats");
    const wire = contractToWire(parse({ assertFormats: true }));
    expect([wire.assertFormats, contractToWire(parse()).assertFormats]).toEqual([true, false]);
  });

  test("has no schema with a number that a double does not hold: its digest is made from values", () => {
    const payloadSchemaJson = Buffer.from('{"properties":{"a":{"maximum":9007199254740993},"b":{"minimum":1}}}');
    const resultSchemaJson = Buffer.from('{"const":[0.1,1e-7,1.00,9007199254740993]}');
    const error = refusal(() => parse({ tools: [wireTool("sum", { payloadSchemaJson, resultSchemaJson })] }));
    expect([error.reason, error.violations]).toEqual([
      "INVALID_SCHEMA",
      [
        {
          field: "/tools/sum/payload_schema/properties/a/maximum",
          description: "must be a number that a double holds, such as 9007199254740992",
        },
        {
          field: "/tools/sum/result_schema/const/3",
          description: "must be a number that a double holds, such as 9007199254740992",
        },
      ],
    ]);
  });

  test("may have the bounds of 64-bit integers, which let in all that they should when a double holds them", () => {
    const bounds =
      '{"minimum":-9223372036854775808,"maximum":9223372036854775807,"exclusiveMaximum":18446744073709551616}';
    const payloadSchemaJson = Buffer.from(`{"properties":{"id":${bounds},"u":{"maximum":18446744073709551615}}}`);
    const [tool] = parse({ tools: [wireTool("sum", { payloadSchemaJson })] }).tools;
    expect(tool?.payload).toEqual(JSON.parse(payloadSchemaJson.toString()));
    // In a value they would be another value.
    const within = Buffer.from('{"const":{"maximum":9223372036854775807}}');
    expect(refusal(() => parse({ tools: [wireTool("sum", { payloadSchemaJson: within })] })).violations).toMatchObject([
      { field: "/tools/sum/payload_schema/const/maximum" },
    ]);
  });

  test("has no schema or meta with a half of a character: a digest knows none", () => {
    const payloadSchemaJson = Buffer.from(
      '{"properties":{"a":{"description":"cut \\ud83d"},"b":{"title":"\\ud83d\\ude00"}}}',
    );
    const resultSchemaJson = Buffer.from('{"properties":{"\\udc00":true}}');
    const half = wireTool("half", { payloadSchemaJson, resultSchemaJson });
    const description = "has half of a character (a lone surrogate)";
    const error = refusal(() => parse({ tools: [half] }));
    expect([error.reason, error.violations]).toEqual([
      "INVALID_SCHEMA",
      [
        { field: "/tools/half/payload_schema/properties/a/description", description },
        { field: "/tools/half/result_schema/properties/\ufffd", description },
      ],
    ]);
    const meta = wireTool("sum", { metaJson: Buffer.from('{"a":["\\ud83d"]}') });
    expect(refusal(() => parse({ tools: [meta] })).violations).toEqual([
      { field: "tools[0].meta_json/a/0", description },
    ]);
    const { contract, skipped } = parseUsableContract(wireContract({ tools: [half, wireTool("sum")] }), LIMITS);
    expect([contract.tools.length, skipped.map(({ tool }) => tool)]).toEqual([1, ["half"]]);
  });

  test("that is missing is refused", () => {
    expect(refusal(() => parseContract(null, LIMITS)).reason).toBe("INVALID_CONTRACT");
  });

  test("keeps what was said, and leaves out what was not", () => {
    expect(parse()).toEqual({
      name: "math",
      version: "1.0.0",
      description: "",
      tags: [],
      tools: [{ name: "sum", description: "", tags: [], payload: { type: "object" }, delivery: "once" }],
    });
    const whole = parse({
      title: "Maths",
      description: "Adds,\n\tand more.\r\n",
      tools: [
        wireTool("sum", {
          title: "Sum",
          description: "Adds.",
          tags: ["a"],
          resultSchemaJson: Buffer.from('{"type":"number"}'),
          annotations: { readOnlyHint: true, _readOnlyHint: "readOnlyHint" },
          delivery: "DELIVERY_MODE_IDEMPOTENT",
          timeoutMs: 1_500,
          metaJson: Buffer.from('{"_meta":{"a":1}}'),
        }),
      ],
    });
    expect(whole).toMatchObject({ title: "Maths", description: "Adds,\n\tand more.\r\n" });
    expect(whole.tools[0]).toEqual({
      name: "sum",
      title: "Sum",
      description: "Adds.",
      tags: ["a"],
      payload: { type: "object" },
      result: { type: "number" },
      annotations: { readOnlyHint: true },
      delivery: "idempotent",
      timeoutMs: 1_500,
      meta: { _meta: { a: 1 } },
    });
  });

  test.each(["", "Math", "-math", ".math", "_math", "ma th", "mäth", "math/sum", "math\n", "a".repeat(129)])(
    "named %j is refused",
    (name) => {
      const error = refusal(() => parse({ name }));
      expect(error.reason).toBe("INVALID_CONTRACT");
      expect(error.violations).toEqual([{ field: "name", description: "must match [a-z0-9][a-z0-9._-]{0,127}" }]);
      expect(error.message).not.toContain(name === "" ? "\0" : name);
    },
  );

  test.each(["a", "0", "a.b_c-d", "a".repeat(128)])("named %j is accepted", (name) => {
    expect(parse({ name }).name).toBe(name);
  });

  test.each(["", "1", "1.0", "v1.0.0", "=1.0.0", " 1.0.0", "1.0.0 ", "01.0.0", "1.0.0-", "latest", "1.0.0.0"])(
    "of version %j is refused",
    (version) => expect(fields(() => parse({ version }))).toEqual(["version"]),
  );

  test.each(["0.0.0", "1.2.3", "1.0.0-rc.1", "10.20.30-alpha.1.x"])("of version %j is accepted", (version) => {
    expect(parse({ version }).version).toBe(version);
  });

  test("has at least one tool and at most 1,024", () => {
    expect(fields(() => parse({ tools: [] }))).toEqual(["tools"]);
    const many = (count: number) => Array.from({ length: count }, (_, i) => wireTool(`t${i}`));
    expect(parse({ tools: many(1_024) }).tools).toHaveLength(1_024);
    expect(fields(() => parse({ tools: many(1_025) }))).toEqual(["tools"]);
  });

  test("takes a limited number of bytes together", () => {
    const tools = [wireTool("a"), wireTool("b")];
    expect(parse({ tools }, { ...LIMITS, maxContractBytes: 34 }).tools).toHaveLength(2);
    expect(fields(() => parse({ tools }, { ...LIMITS, maxContractBytes: 33 }))).toEqual(["tools"]);
  });
});

describe("texts", () => {
  const limits = [
    ["title", "x".repeat(256), "x".repeat(257)],
    ["title", "Größe 大 🙂", "line\nbreak"],
    ["title", "", "\u001b[31m"],
    ["title", "\u00a0", "\u0085"],
    ["description", "x".repeat(16_384), "x".repeat(16_385)],
    ["description", "a\tb\r\nc", "notification\u0007"],
    ["description", "ä".repeat(8_192), "ä".repeat(8_193)],
  ] as const;
  test.each(limits)("%s has its limits, of the contract and of its tools", (field, good, bad) => {
    expect(parse({ [field]: good })).toMatchObject(good === "" ? {} : { [field]: good });
    expect(fields(() => parse({ [field]: bad }))).toEqual([field]);
    expect(parseTool({ [field]: good })).toMatchObject(good === "" ? {} : { [field]: good });
    expect(fields(() => parseTool({ [field]: bad }))).toEqual([`tools[0].${field}`]);
  });

  test("tags are at most 32 words of 1 to 64 characters, without control characters", () => {
    const tags = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`);
    expect(parse({ tags: tags(32) }).tags).toHaveLength(32);
    for (const bad of [tags(33), [""], ["x".repeat(65)], ["a\nb"], ["a", "\u007f"]]) {
      expect(fields(() => parse({ tags: bad }))).toEqual(["tags"]);
      expect(fields(() => parseTool({ tags: bad }))).toEqual(["tools[0].tags"]);
    }
  });

  test("tags are sorted, and those that are repeated count once", () => {
    expect(parse({ tags: ["b", "a", "b"] }).tags).toEqual(["a", "b"]);
    expect(parseTool({ tags: ["b", "a", "b"] })?.tags).toEqual(["a", "b"]);
  });
});

describe("a tool", () => {
  test.each(["", "-sum", ".sum", "/sum", "su m", "süm", "sum\n", "a".repeat(129)])("named %j is refused", (name) => {
    expect(fields(() => parse({ tools: [wireTool(name)] }))).toEqual(["tools[0].name"]);
  });

  test.each(["s", "S", "_", "0", "files/read.v2-x_y", "a".repeat(128)])("named %j is accepted", (name) => {
    expect(parse({ tools: [wireTool(name)] }).tools[0]?.name).toBe(name);
  });

  test("has a name of its own", () => {
    const error = refusal(() => parse({ tools: [wireTool("sum"), wireTool("Sum"), wireTool("sum")] }));
    expect(error.violations).toEqual([
      { field: "tools[2].name", description: 'repeats the tool "sum"; names must be unique' },
    ]);
  });

  test("takes at most a day", () => {
    expect(parseTool({ timeoutMs: 86_400_000 })?.timeoutMs).toBe(86_400_000);
    expect(fields(() => parseTool({ timeoutMs: 86_400_001 }))).toEqual(["tools[0].timeout_ms"]);
  });

  test("is delivered once unless it says otherwise; a hint does not say so", () => {
    const hinted = parseTool({ annotations: { idempotentHint: true, _idempotentHint: "idempotentHint" } });
    expect(hinted?.delivery).toBe("once");
    expect(parseTool({ delivery: "DELIVERY_MODE_ONCE" })?.delivery).toBe("once");
    expect(parseTool({ delivery: "DELIVERY_MODE_IDEMPOTENT" })?.delivery).toBe("idempotent");
  });

  test("meta is an object of at most 64 KiB, and absent when it is empty", () => {
    expect(parseTool({ metaJson: Buffer.from(" {} ") })).not.toHaveProperty("meta");
    for (const [json, description] of [
      ["[]", "must be an object"],
      ["null", "must be an object"],
      ["{", "must be one JSON value"],
      ['{"__proto__":1}', "has a key that is never allowed"],
      [`{"a":"${"x".repeat(65_536)}"}`, "must be at most 65536 bytes long"],
    ] as const) {
      const error = refusal(() => parseTool({ metaJson: Buffer.from(json) }));
      expect(error.reason).toBe("INVALID_CONTRACT");
      expect(error.violations[0]?.field).toMatch(/^tools\[0\]\.meta_json/);
      expect(error.violations[0]?.description).toContain(description);
    }
  });

  test("annotations tell false from not said", () => {
    expect(parseTool({ annotations: {} })).not.toHaveProperty("annotations");
    expect(parseTool({ annotations: { readOnlyHint: false } })).not.toHaveProperty("annotations");
    expect(
      parseTool({
        annotations: {
          readOnlyHint: false,
          _readOnlyHint: "readOnlyHint",
          destructiveHint: true,
          _destructiveHint: "destructiveHint",
        },
      })?.annotations,
    ).toEqual({ readOnlyHint: false, destructiveHint: true });
  });

  test("tools are sorted by name in code units, so that no locale changes a digest", () => {
    const names = ["b", "a", "B", "_", "a/b", "a.b", "a-b", "1"];
    expect(parse({ tools: names.map((name) => wireTool(name)) }).tools.map(({ name }) => name)).toEqual([
      "1",
      "B",
      "_",
      "a",
      "a-b",
      "a.b",
      "a/b",
      "b",
    ]);
  });
});

describe("a schema", () => {
  const json = (text: string) => ({ payloadSchemaJson: Buffer.from(text) });

  test("is an object or a boolean", () => {
    expect(parseTool(json("true"))?.payload).toBe(true);
    expect(parseTool(json("false"))?.payload).toBe(false);
    expect(parseTool(json("{}"))?.payload).toEqual({});
    for (const other of ["null", "1", '"object"', "[]"]) {
      const error = refusal(() => parseTool(json(other)));
      expect(error.reason).toBe("INVALID_SCHEMA");
      expect(error.violations).toEqual([
        { field: "/tools/sum/payload_schema", description: "must be an object or a boolean" },
      ]);
    }
  });

  test("of the payload must be there; of the result it need not", () => {
    expect(refusal(() => parseTool(json(""))).violations).toEqual([
      { field: "/tools/sum/payload_schema", description: "is missing; {} accepts any JSON" },
    ]);
    expect(parseTool({})).not.toHaveProperty("result");
  });

  test("that is not JSON is refused with the place and the rule", () => {
    const places = (text: string) => fields(() => parseTool(json(text)));
    expect(places('{"a":{"b":1,"b":2}}')).toEqual(["/tools/sum/payload_schema/a/b"]);
    expect(places("{")).toEqual(["/tools/sum/payload_schema"]);
    expect(places("{} {}")).toEqual(["/tools/sum/payload_schema"]);
    expect(fields(() => parseTool({ payloadSchemaJson: Buffer.from([0x22, 0xff, 0x22]) }))).toEqual([
      "/tools/sum/payload_schema",
    ]);
    const deep = `${'{"not":'.repeat(64)}{}${"}".repeat(64)}`;
    expect(refusal(() => parseTool(json(deep))).violations[0]?.description).toBe("must nest at most 64 levels deep");
  });

  test("has a limit in bytes", () => {
    const tools = [wireTool("sum", json(`{"title":"${"x".repeat(100)}"}`))];
    expect(fields(() => parse({ tools }, { ...LIMITS, maxSchemaBytes: 100 }))).toEqual(["/tools/sum/payload_schema"]);
  });
});

describe("faults", () => {
  test("are all told at once, of the contract first", () => {
    expect(fields(() => parse({ name: "X", version: "x", title: "\n", tags: [""], tools: [] }))).toEqual([
      "name",
      "version",
      "title",
      "tags",
      "tools",
    ]);
  });

  test("of every tool's schemas are told together", () => {
    const bad = Buffer.from("1");
    const tools = [
      wireTool("a", { payloadSchemaJson: bad, resultSchemaJson: bad }),
      wireTool("b"),
      wireTool("c", { resultSchemaJson: bad }),
    ];
    expect(fields(() => parse({ tools }))).toEqual([
      "/tools/a/payload_schema",
      "/tools/a/result_schema",
      "/tools/c/result_schema",
    ]);
  });

  test("are counted, and the first eight told", () => {
    const tools = Array.from({ length: 11 }, (_, i) => wireTool(`-${i}`));
    const error = refusal(() => parse({ tools }));
    expect(error.violations).toHaveLength(8);
    expect(error.message).toContain("11 faults");
    expect(error.message).toContain("(and 3 more)");
  });

  test("never repeat the data", () => {
    const secret = "TOP SECRET";
    const error = refusal(() => parse({ name: secret, version: secret, title: `${secret}\n`, tags: [`${secret}\n`] }));
    expect(error.message + JSON.stringify(error.violations)).not.toContain(secret);
  });
});

describe("what of a contract can be used", () => {
  const bytes = (text: string) => Buffer.from(text);
  const usable = (tools: Tool__Output[], limits = LIMITS) => parseUsableContract(wireContract({ tools }), limits);
  const names = ({ contract }: { contract: Contract }) => contract.tools.map(({ name }) => name);

  test.each<[string, Partial<Tool__Output>, string]>([
    ["a bad name", { name: "a b" }, "tools[1].name"],
    ["a control character in its title", { title: "\u0007" }, "tools[1].title"],
    ["too long a description", { description: "x".repeat(16_385) }, "tools[1].description"],
    ["a bad tag", { tags: [""] }, "tools[1].tags"],
    ["too long a timeout", { timeoutMs: 90_000_000 }, "tools[1].timeout_ms"],
    ["no payload schema", { payloadSchemaJson: bytes("") }, "/tools/odd/payload_schema"],
    ["a payload schema that is not JSON", { payloadSchemaJson: bytes("{") }, "/tools/odd/payload_schema"],
    ["a payload schema that is a number", { payloadSchemaJson: bytes("1") }, "/tools/odd/payload_schema"],
  ])("is without a tool that has %s", (_what, more, field) => {
    const { contract, skipped } = usable([wireTool("sum"), wireTool("odd", more), wireTool("z")]);
    expect(names({ contract })).toEqual(["sum", "z"]);
    expect(skipped).toMatchObject([
      { tool: more.name ?? "odd", resultSchemaOnly: false, violations: [{ field: expect.stringContaining(field) }] },
    ]);
    expect(contract).toEqual(parse({ tools: [wireTool("sum"), wireTool("z")] }));
  });

  test("keeps a tool whose result schema alone is at fault, without that", () => {
    const { contract, skipped } = usable([wireTool("sum", { resultSchemaJson: bytes("[]") })]);
    expect(contract).toEqual(parse());
    expect(skipped).toMatchObject([
      { tool: "sum", resultSchemaOnly: true, violations: [{ field: "/tools/sum/result_schema" }] },
    ]);
  });

  test("keeps the first of two tools of one name", () => {
    const { contract, skipped } = usable([wireTool("sum"), wireTool("sum", { title: "second" })]);
    expect(contract).toEqual(parse());
    expect(skipped).toMatchObject([{ tool: "sum", resultSchemaOnly: false }]);
  });

  test("counts the bytes of what is kept only", () => {
    const large = wireTool("large", { payloadSchemaJson: Buffer.alloc(5_000_000, 0x20) });
    expect(names(usable([wireTool("sum"), large]))).toEqual(["sum"]);
    const limits = { maxContractBytes: 200, maxSchemaBytes: 200 };
    const described = ["a", "b"].map((name) => wireTool(name, { description: "x".repeat(150) }));
    expect(refusal(() => usable(described, limits)).violations).toMatchObject([{ field: "tools" }]);
  });

  test("never names a tool that is there by the cut name of one that is not", () => {
    const { skipped } = usable([wireTool("a".repeat(128)), wireTool("a".repeat(200)), wireTool("\u001b[2J")]);
    expect(skipped.map(({ tool }) => tool)).toEqual([`${"a".repeat(127)}…`, "\ufffd[2J"]);
  });

  test("is refused as a whole for the toolset's own faults, and when no tool is left", () => {
    expect(refusal(() => parseUsableContract(wireContract({ version: "1" }), LIMITS)).reason).toBe("INVALID_CONTRACT");
    expect(refusal(() => usable([])).reason).toBe("INVALID_CONTRACT");
    expect(refusal(() => usable([wireTool("a b")])).violations).toMatchObject([{ field: "tools[0].name" }]);
    expect(refusal(() => usable([wireTool("a", { payloadSchemaJson: bytes("") })])).reason).toBe("INVALID_SCHEMA");
  });
});
