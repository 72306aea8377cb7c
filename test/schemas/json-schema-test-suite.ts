import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseContract } from "../../src/contract/parse-contract.js";
import { exactNumbers } from "../../src/json/exact-numbers.js";
import { joinObject, slicesOf } from "../../src/json/json-slices.js";
import { readJson } from "../../src/json/read-json.js";
import { inspectSchema } from "../../src/schemas/inspect-schema.js";
import { linkCode } from "../../src/schemas/portable-code.js";
import { DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/schema-policy.js";

/**
 * The JSON Schema Test Suite (https://github.com/json-schema-org/JSON-Schema-Test-Suite, MIT), which is no part of this
 * repository: it is read from a folder beside it. The suite's `tests/draft2020-12` and the like stand directly in it.
 */
export const SUITE = fileURLToPath(new URL("../../../shared/data/json-schema-test-suite/", import.meta.url));

/**
 * The suite's folders of drafts, and the `$schema` that each means: outside of 2019-09 and 2020-12 its schemas name none.
 * A folder that is not there is passed over.
 */
export const DRAFT_FOLDERS: Readonly<Record<string, string>> = {
  "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
  draft7: "http://json-schema.org/draft-07/schema#",
};

/** The parts of a draft's folder; formats are asserted in the last. */
export type Part = "mandatory" | "optional" | "optional/format";

export const PARTS: readonly Part[] = ["mandatory", "optional", "optional/format"];

/** A value of the suite, judged. */
export interface SuiteVerdict {
  /** `file: group: test`, as the suite words them; the file begins with its draft's folder. */
  readonly name: string;
  readonly file: string;
  /** What the suite expects, and what was said; `refused`: the schema is refused at its registration. */
  readonly expected: "valid" | "invalid";
  readonly verdict: "valid" | "invalid" | "inconclusive" | "refused";
  /** Why the schema is refused, or the value invalid or inconclusive. */
  readonly reason: string;
}

export function hasSuite(): boolean {
  return existsSync(SUITE);
}

/**
 * Judges everything in one part of a draft's folder, as a node does: read, admitted, compiled, checked by a worker and by a loop.
 *
 * @param rewrite what becomes of each schema before; it says its draft, and what it becomes has to if that is not 2020-12
 */
export function runPart(folder: string, part: Part, rewrite: Rewrite = (schema) => schema): SuiteVerdict[] {
  const path = part === "mandatory" ? folder : `${folder}/${part}`;
  if (!existsSync(`${SUITE}${path}`)) return [];
  return readdirSync(`${SUITE}${path}`)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .flatMap((file) => runFile(`${path}/${file}`, DRAFT_FOLDERS[folder] ?? "", part === "optional/format", rewrite));
}

type Rewrite = (schema: Buffer) => Buffer;

function runFile(file: string, draft: string, assertFormats: boolean, rewrite: Rewrite): SuiteVerdict[] {
  const json = readFileSync(`${SUITE}${file}`);
  return elements(json).flatMap((group) => {
    const { description, schema, tests } = members(group);
    const judge = admit(rewrite(withDraft(bytesOf(schema), draft)), assertFormats);
    return elements(bytesOf(tests)).map((test): SuiteVerdict => {
      const parts = members(test);
      const name = [file, text(description), text(parts.description)].join(": ");
      const expected = text(parts.valid) ? "valid" : "invalid";
      return { name, file, expected, ...judge(bytesOf(parts.data)) };
    });
  });
}

type Judged = Pick<SuiteVerdict, "verdict" | "reason">;

/** Registers a schema. */
function admit(schemaJson: Buffer, assertFormats: boolean): (data: Buffer) => Judged {
  let schema: ReturnType<typeof parse>;
  try {
    schema = parse(schemaJson, assertFormats);
  } catch (error) {
    return () => ({ verdict: "refused", reason: error instanceof Error ? error.message : "" });
  }
  const inspect = (exact: boolean) =>
    inspectSchema(schema, DEFAULT_SCHEMA_LIMITS, { assertFormats, exactNumbers: exact });
  const inspected = inspect(false);
  if (inspected.kind === "faulty") {
    const reason = inspected.faults.map((fault) => `${fault.pointer} ${fault.reason}`).join("; ");
    return () => ({ verdict: "refused", reason });
  }
  return (data) => {
    const read = readJson(data, { maxBytes: 1_048_576 });
    if (read.kind === "malformed") return { verdict: "invalid", reason: read.reason };
    const numbers = read.longNumbers ? exactNumbers(read) : undefined;
    const exact = numbers === undefined || numbers.isEmpty ? undefined : inspect(true);
    const compiled = exact?.kind === "sound" ? exact.compiled : inspected.compiled;
    const validation = compiled.check(read.value, 0, numbers);
    // An event loop judges by the code that a worker wrote.
    const code = compiled.portableCode();
    if (code !== undefined && linkCode(code).check(read.value, 0, numbers).kind !== validation.kind)
      return { verdict: "inconclusive", reason: "the event loop says something else" };
    switch (validation.kind) {
      case "valid":
        return { verdict: "valid", reason: "" };
      case "invalid":
        return { verdict: "invalid", reason: validation.violations.map((each) => each.description).join("; ") };
      default:
        return { verdict: "inconclusive", reason: validation.why };
    }
  };
}

/** @throws ToolgateError */
function parse(payloadSchemaJson: Buffer, assertFormats: boolean) {
  const limits = { maxContractBytes: 1_048_576, maxSchemaBytes: DEFAULT_SCHEMA_LIMITS.maxBytes };
  const tool = {
    name: "tool",
    title: "",
    description: "",
    tags: [],
    payloadSchemaJson,
    resultSchemaJson: Buffer.alloc(0),
    annotations: null,
    delivery: "DELIVERY_MODE_UNSPECIFIED",
    timeoutMs: 0,
    metaJson: Buffer.alloc(0),
  } as const;
  const head = { name: "suite", version: "1.0.0", title: "", description: "", tags: [], assertFormats };
  const contract = parseContract({ ...head, tools: [tool] } as never, limits); // only what is read
  return contract.tools[0]?.payload ?? false;
}

function withDraft(schema: Buffer, draft: string): Buffer {
  if (schema[0] !== 0x7b) return schema;
  const slices = [...slicesOf(schema)];
  if (slices.some(({ key }) => key === "$schema")) return schema;
  const own = slices.map(({ key, start, end }) => [key ?? "", schema.subarray(start, end)] as const);
  return joinObject([["$schema", draft], ...own]);
}

function elements(json: Buffer): Buffer[] {
  return [...slicesOf(json)].map(({ start, end }) => json.subarray(start, end));
}

function members(json: Buffer): Record<string, Buffer> {
  return Object.fromEntries([...slicesOf(json)].map(({ key, start, end }) => [key, json.subarray(start, end)]));
}

function bytesOf(json: Buffer | undefined): Buffer {
  return json ?? Buffer.alloc(0);
}

function text(json: Buffer | undefined): unknown {
  return JSON.parse(bytesOf(json).toString("utf8"));
}
