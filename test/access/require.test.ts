import { expect, test } from "vitest";
import { createPolicy } from "../../src/access/policy/policy.js";
import { ROLE } from "../../src/access/policy/role.js";
import { requireArguments, requireCall } from "../../src/access/require.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { parseToolsetName } from "../../src/identity/names.js";
import { DEFAULT_TENANT } from "../../src/identity/tenant.js";
import { readJson } from "../../src/json/read-json.js";
import { DocumentsInMemory } from "./policy/documents-in-memory.js";

const TOOLSET = { name: parseToolsetName("bank", "name"), tags: [] };
const TOOL = { name: "pay", tags: [] };

/** What becomes of a payload where a condition decides, or none does. */
function outcomeOf(payload: string, when?: string): string {
  const documents = new DocumentsInMemory();
  documents.put(ROLE, "payer", { rules: [{ verbs: ["call"], ...(when === undefined ? {} : { when }) }] });
  const principal = { tenant: DEFAULT_TENANT, id: "ann", kind: "key", roles: ["payer"], attributes: {} } as const;
  const access = createPolicy(documents).accessOf(principal);
  const read = readJson(Buffer.from(payload), { maxBytes: 1_000_000 });
  if (read.kind !== "ok") return "malformed";
  try {
    requireArguments(access, requireCall(access, TOOLSET, TOOL), TOOLSET, TOOL, read);
    return "allowed";
  } catch (error) {
    return error instanceof ToolgateError ? error.reason : String(error);
  }
}

test.each([
  ['{"n":100}', "allowed"],
  ['{"n":100.0}', "allowed"],
  ['{"n":1e2}', "allowed"],
  ['{"n":0.30000000000000004}', "allowed"],
  ['{"n":100.5}', "FORBIDDEN"],
  // Each is 100 as a double, and more than that to a tool that reads decimals.
  ['{"n":100.00000000000000001}', "FORBIDDEN"],
  ['{"n":10000000000000000000001e-20}', "FORBIDDEN"],
  ['{"n":1,"id":9007199254740993}', "FORBIDDEN"],
  [`{"n":1,"x":"${"x".repeat(300_000)}","d":1e2}`, "FORBIDDEN"],
])("a condition decides on %.40s by the numbers that the tool gets, or refuses: %s", (payload, expected) => {
  expect(outcomeOf(payload, "args.n <= 100")).toBe(expected);
  expect(outcomeOf(payload)).toBe("allowed");
});

test("two numbers that only look equal as doubles are not taken for equal", () => {
  const when = "args.from == args.own";
  expect(outcomeOf('{"from":9007199254740993,"own":9007199254740992}', when)).toBe("FORBIDDEN");
  expect(outcomeOf('{"from":9007199254740992,"own":9007199254740992}', when)).toBe("allowed");
});

test.each([
  '{"path":"/tmp","path":"/etc"}',
  '{"path":"/tmp","p\\u0061th":"/etc"}',
  '\ufeff{"path":"/tmp"}',
  '{"path":"/tmp"} {"path":"/etc"}',
  '{"path":"/tmp","__proto__":{"path":"/etc"}}',
  '{"path":"/tmp",}',
  '{"path":1e999}',
])("what two readers could read differently reaches no condition: %j", (payload) => {
  expect(outcomeOf(payload, "args.path == '/tmp'")).toBe("malformed");
});

test.each(['{"Path":"/tmp"}', '{"PATH":"/tmp"}', '{"path ":"/tmp"}', '{"pa\u017fh":"/tmp"}'])(
  "a member of another spelling is another member: %s",
  (payload) => {
    expect(outcomeOf(payload, "args.path == '/tmp'")).toBe("FORBIDDEN");
  },
);
