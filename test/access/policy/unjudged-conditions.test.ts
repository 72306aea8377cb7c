import { expect, test } from "vitest";
import { createPolicy } from "../../../src/access/policy/policy.js";
import { ROLE } from "../../../src/access/policy/role.js";
import { UnjudgedConditions } from "../../../src/access/policy/unjudged-conditions.js";
import type { ToolsetName } from "../../../src/identity/names.js";
import { DEFAULT_TENANT, parseTenantName } from "../../../src/identity/tenant.js";
import { DocumentsInMemory } from "./documents-in-memory.js";

const ACME = parseTenantName("acme", "tenant");
const refOf = (name: string, tenant = DEFAULT_TENANT) => ({ tenant, kind: ROLE.kind, name });
const fault = (rule: string, why: "error" | "cost" = "error") => ({ rule, why });
const RULES = [{ verbs: ["call"], toolsets: ["files"], when: "args.note == 'x'" }];

test("counts by tenant and role, with the latest rule and time, until the role is changed or removed", () => {
  const documents = new DocumentsInMemory();
  let nowMs = 1_000;
  const unjudged = new UnjudgedConditions(documents, () => nowMs);
  expect(unjudged.of(refOf("a"))).toBeUndefined();
  unjudged.note(DEFAULT_TENANT, fault("role/a#/rules/0"));
  nowMs = 2_000;
  unjudged.note(DEFAULT_TENANT, fault("role/a#/rules/3", "cost"));
  unjudged.note(ACME, fault("role/a#/rules/0"));
  expect(unjudged.of(refOf("a"))).toEqual({ times: 2, path: "/rules/3", why: "cost", atMs: 2_000 });
  expect(unjudged.of(refOf("a", ACME))).toEqual({ times: 1, path: "/rules/0", why: "error", atMs: 2_000 });

  documents.put(ROLE, "b", { rules: RULES });
  expect(unjudged.of(refOf("a"))).toBeDefined();
  documents.put(ROLE, "a", { rules: RULES });
  expect(unjudged.of(refOf("a"))).toBeUndefined();
  expect(unjudged.of(refOf("a", ACME))).toBeDefined();
  unjudged.note(DEFAULT_TENANT, fault("role/a#/rules/0"));
  documents.remove(ROLE, "a");
  expect(unjudged.of(refOf("a"))).toBeUndefined();
});

test("notes what a policy reports", () => {
  const documents = new DocumentsInMemory();
  const unjudged = new UnjudgedConditions(documents, () => 7);
  documents.put(ROLE, "noted", { rules: RULES });
  const policy = createPolicy(documents, (tenant, condition) => unjudged.note(tenant, condition));
  const ann = { tenant: DEFAULT_TENANT, id: "ann", kind: "key", roles: ["noted"], attributes: {} } as const;
  const files = { name: "files" as ToolsetName, tags: [] };
  const { byArguments } = policy.accessOf(ann).mayUse("call", files, { name: "read", tags: [] });
  byArguments?.({ note: "x" }, ann);
  expect(unjudged.of(refOf("noted"))).toBeUndefined();
  byArguments?.({}, ann);
  expect(unjudged.of(refOf("noted"))).toEqual({ times: 1, path: "/rules/0", why: "error", atMs: 7 });
});

test("remembers a bounded number of roles", () => {
  const unjudged = new UnjudgedConditions(new DocumentsInMemory(), () => 0);
  for (let n = 0; n <= 1_000; n++) unjudged.note(DEFAULT_TENANT, fault(`role/r${n}#/rules/0`));
  expect(unjudged.of(refOf("r0"))).toBeUndefined();
  expect(unjudged.of(refOf("r1000"))).toBeDefined();
});
