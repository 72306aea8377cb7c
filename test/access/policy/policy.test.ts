import { expect, test } from "vitest";
import { createPolicy } from "../../../src/access/policy/policy.js";
import { ROLE } from "../../../src/access/policy/role.js";
import { SHARE } from "../../../src/access/policy/share.js";
import { TENANT } from "../../../src/access/policy/tenant-document.js";
import type { ToolsetName } from "../../../src/identity/names.js";
import { ANONYMOUS, type Principal } from "../../../src/identity/principal.js";
import { DEFAULT_TENANT, type TenantName } from "../../../src/identity/tenant.js";
import { DocumentsInMemory } from "./documents-in-memory.js";

const ACME = "acme" as TenantName;
const FILES = { name: "files" as ToolsetName, tags: [] };
const ACME_FILES = { name: "acme/files" as ToolsetName, tags: [] };
const READ = { name: "read_file", tags: ["safe"] };
const DELETE = { name: "delete_file", tags: [] };

function principal(roles: readonly string[], tenant: TenantName = DEFAULT_TENANT): Principal {
  return { tenant, id: "ann", kind: "key", roles, attributes: {} };
}

test("nothing is allowed that no rule allows", () => {
  const policy = createPolicy(new DocumentsInMemory());
  const access = policy.accessOf(principal([]));
  expect(access.mayUse("discover", FILES, READ)).toEqual({ allowed: false, rule: undefined });
  expect(access.mayUse("call", FILES, READ)).toEqual({ allowed: false, rule: undefined });
  expect(access.may("register", FILES).allowed).toBe(false);
  expect(access.mayIn("administer", DEFAULT_TENANT).allowed).toBe(false);
  expect(access.seesWholeRegistry).toBe(false);
});

test("an agent finds and calls the tools of its own tenant, and no other's", () => {
  const access = createPolicy(new DocumentsInMemory()).accessOf(principal(["agent"]));
  expect(access.mayUse("call", FILES, READ)).toEqual({ allowed: true, rule: "role/agent#/rules/0" });
  expect(access.mayUse("discover", ACME_FILES, READ).allowed).toBe(false);
  expect(access.may("register", FILES).allowed).toBe(false);
  expect(access.seesWholeRegistry).toBe(true);
});

test("a denial wins over what another role allows, and hides nothing that may still be discovered", () => {
  const documents = new DocumentsInMemory();
  documents.put(ROLE, "careful", {
    rules: [{ effect: "deny", verbs: ["call"], toolsets: ["files"], tools: ["delete_*"] }],
  });
  const access = createPolicy(documents).accessOf(principal(["agent", "careful"]));
  expect(access.mayUse("call", FILES, DELETE)).toEqual({ allowed: false, rule: "role/careful#/rules/0" });
  expect(access.mayUse("discover", FILES, DELETE).allowed).toBe(true);
  expect(access.mayUse("call", FILES, READ).allowed).toBe(true);
});

test("whoever has a role that cannot be read may do nothing, for what it forbids is not known", () => {
  const documents = new DocumentsInMemory();
  const policy = createPolicy(documents);
  const caller = principal(["agent", "careful"]);
  expect(policy.accessOf(caller).mayUse("call", FILES, READ).allowed).toBe(true);
  documents.damage(ROLE, "careful");
  expect(policy.accessOf(caller).mayUse("call", FILES, READ).allowed).toBe(false);
  expect(policy.accessOf(principal(["agent"])).mayUse("call", FILES, READ).allowed).toBe(true);
});

test("what may not be discovered may not be called, whatever allows the call", () => {
  const documents = new DocumentsInMemory();
  documents.put(ROLE, "blind", { rules: [{ effect: "deny", verbs: ["discover"], toolsets: ["files"] }] });
  const access = createPolicy(documents).accessOf(principal(["agent", "blind"]));
  expect(access.mayUse("call", FILES, READ)).toEqual({ allowed: false, rule: "role/blind#/rules/0" });
  expect(access.seesWholeRegistry).toBe(false);
});

test("a tool that may be called is visible, without a rule for discover", () => {
  const documents = new DocumentsInMemory();
  documents.put(ROLE, "caller", { rules: [{ verbs: ["call"], toolsets: ["files"], tools: ["read_*"] }] });
  const access = createPolicy(documents).accessOf(principal(["caller"]));
  expect(access.mayUse("discover", FILES, READ)).toEqual({ allowed: true, rule: "role/caller#/rules/0" });
  expect(access.mayUse("discover", FILES, DELETE).allowed).toBe(false);
});

test("tags narrow a rule, on the tool or on its toolset", () => {
  const documents = new DocumentsInMemory();
  documents.put(ROLE, "safe", { rules: [{ verbs: ["call"], toolsets: ["*"], tags: ["safe"] }] });
  const access = createPolicy(documents).accessOf(principal(["safe"]));
  expect(access.mayUse("call", FILES, READ).allowed).toBe(true);
  expect(access.mayUse("call", FILES, DELETE).allowed).toBe(false);
  expect(access.mayUse("call", { ...FILES, tags: ["safe"] }, DELETE).allowed).toBe(true);
});

test("another tenant's toolset needs that tenant's share and a rule of one's own", () => {
  const documents = new DocumentsInMemory();
  documents.put(TENANT, "acme", {});
  const policy = createPolicy(documents);
  const agent = principal(["agent"]);
  expect(policy.accessOf(agent).mayUse("call", ACME_FILES, READ).allowed).toBe(false);
  documents.put(SHARE, "files", { toolsets: ["files"], tools: ["read_*"], with: ["default"] }, ACME);
  expect(policy.accessOf(agent).mayUse("call", ACME_FILES, READ).allowed).toBe(true);
  expect(policy.accessOf(agent).mayUse("call", ACME_FILES, DELETE).allowed).toBe(false);
  expect(policy.accessOf(principal([])).mayUse("call", ACME_FILES, READ).allowed).toBe(false);
  // A share is for discover and call: nothing else of another tenant is reached by it.
  expect(policy.accessOf(principal(["admin"])).may("operate", ACME_FILES).allowed).toBe(false);
  expect(policy.accessOf(principal(["agent"], "other" as TenantName)).mayUse("call", ACME_FILES, READ).allowed).toBe(
    false,
  );
  documents.remove(SHARE, "files", ACME);
  expect(policy.accessOf(agent).mayUse("call", ACME_FILES, READ).allowed).toBe(false);
});

test("a role of the cluster reaches all tenants, for the default tenant's principals only", () => {
  const documents = new DocumentsInMemory();
  documents.put(TENANT, "acme", {});
  const policy = createPolicy(documents);
  const root = policy.accessOf(principal(["admin", "cluster-admin"]));
  expect(root.mayIn("administer", ACME).allowed).toBe(true);
  expect(root.may("operate", ACME_FILES).allowed).toBe(true);
  expect(root.mayUse("discover", ACME_FILES, READ).allowed).toBe(true);
  expect(root.mayUse("call", ACME_FILES, READ).allowed).toBe(false);
  const pretender = policy.accessOf(principal(["admin", "cluster-admin"], ACME));
  expect(pretender.mayIn("administer", ACME).allowed).toBe(true);
  expect(pretender.mayIn("administer", DEFAULT_TENANT).allowed).toBe(false);
  expect(pretender.mayUse("discover", FILES, READ).allowed).toBe(false);
  expect(pretender.mayUse("discover", ACME_FILES, READ).allowed).toBe(true);
});

test("where a node does not authenticate, everybody may do anything", () => {
  const access = createPolicy(new DocumentsInMemory()).accessOf(ANONYMOUS);
  expect(access.seesWholeRegistry).toBe(true);
  expect(access.mayUse("call", FILES, DELETE).allowed).toBe(true);
  for (const verb of ["follow", "cancel", "register", "operate", "approve", "audit", "administer"] as const)
    expect(access.may(verb, FILES).allowed, verb).toBe(true);
});

test("the view is equal for those that see the same, and another one for all others", () => {
  const documents = new DocumentsInMemory();
  const policy = createPolicy(documents);
  const viewOf = (...parameters: Parameters<typeof principal>) => policy.accessOf(principal(...parameters)).view;
  expect(viewOf(["agent", "provider"])).toBe(viewOf(["provider", "agent", "agent"]));
  expect(viewOf(["agent"])).not.toBe(viewOf([]));
  expect(viewOf(["agent"])).not.toBe(viewOf(["agent"], ACME));
  const before = viewOf(["agent"]);
  documents.put(SHARE, "files", { toolsets: ["files"], with: ["default"] }, ACME);
  expect(viewOf(["agent"])).not.toBe(before);
});

test("a change of a role holds at once, and is announced", () => {
  const documents = new DocumentsInMemory();
  const policy = createPolicy(documents);
  const ann = principal(["reader"]);
  let changes = 0;
  policy.onChange(() => changes++);
  expect(policy.accessOf(ann).mayUse("call", FILES, READ).allowed).toBe(false);
  documents.put(ROLE, "reader", { rules: [{ verbs: ["call"], toolsets: ["files"] }] });
  expect(policy.accessOf(ann).mayUse("call", FILES, READ).allowed).toBe(true);
  expect(policy.accessOf(ann)).toBe(policy.accessOf(ann));
  documents.remove(ROLE, "reader");
  expect(policy.accessOf(ann).mayUse("call", FILES, READ).allowed).toBe(false);
  expect(changes).toBe(2);
});

test("a condition decides by the arguments; what may be called with some of them is visible", () => {
  const documents = new DocumentsInMemory();
  documents.put(ROLE, "careful", {
    rules: [
      { verbs: ["call"], toolsets: ["files"], when: "args.path.startsWith('/tmp/')" },
      { effect: "deny", verbs: ["call"], toolsets: ["files"], when: "args.force" },
    ],
  });
  const faults: unknown[] = [];
  const policy = createPolicy(documents, (...fault) => faults.push(fault));
  const ann = principal(["careful"]);
  const access = policy.accessOf(ann);
  expect(access.mayUse("discover", FILES, READ).allowed).toBe(true);
  const { allowed, byArguments } = access.mayUse("call", FILES, READ);
  expect(allowed).toBe(true);
  expect(byArguments?.({ path: "/tmp/a", force: false }, ann)).toEqual({
    allowed: true,
    rule: "role/careful#/rules/0",
  });
  expect(byArguments?.({ path: "/etc/a", force: false }, ann)).toEqual({ allowed: false, rule: undefined });
  expect(byArguments?.({ path: "/tmp/a", force: true }, ann)).toEqual({
    allowed: false,
    rule: "role/careful#/rules/1",
  });
  expect(faults).toEqual([]);
  // What cannot be judged opens nothing: the denial holds, and the allowance does not. It is said which, and why.
  const denial = { rule: "role/careful#/rules/1", why: "error" };
  const allowance = { rule: "role/careful#/rules/0", why: "error" };
  expect(byArguments?.({ path: "/tmp/a" }, ann)).toEqual({ allowed: false, rule: denial.rule, unjudged: [denial] });
  expect(byArguments?.({ path: 5, force: false }, ann)).toEqual({
    allowed: false,
    rule: undefined,
    unjudged: [allowance],
  });
  expect(faults).toEqual([
    [ann.tenant, denial],
    [ann.tenant, allowance],
  ]);
});

test("an allowance without a condition needs none, but for denials that have one", () => {
  const documents = new DocumentsInMemory();
  documents.put(ROLE, "never", {
    rules: [{ effect: "deny", verbs: ["call"], toolsets: ["files"], when: "args.force" }],
  });
  const access = createPolicy(documents).accessOf(principal(["agent", "never"]));
  const { byArguments } = access.mayUse("call", FILES, READ);
  expect(byArguments?.({ force: false }, access.principal)).toEqual({ allowed: true, rule: "role/agent#/rules/0" });
  expect(byArguments?.({ force: true }, access.principal).allowed).toBe(false);
  expect(byArguments?.({}, access.principal).allowed).toBe(false);
});

test("the conditions of one decision may take together what one of them may; beyond, nothing is allowed", () => {
  const documents = new DocumentsInMemory();
  const dear = { verbs: ["call"], when: "args.list.all(x, args.list.all(y, x == y)) == false && args.never" };
  const cheap = { verbs: ["call"], when: "args.list.exists(x, x == 1.0)" };
  documents.put(ROLE, "few", { rules: [dear, cheap] });
  documents.put(ROLE, "many", { rules: [...Array<typeof dear>(98).fill(dear), cheap] });
  const args = { list: Array<number>(60).fill(1), never: false };
  const decide = (role: string) => {
    const who = principal([role]);
    return createPolicy(documents).accessOf(who).mayUse("call", FILES, READ).byArguments?.(args, who);
  };
  expect(decide("few")).toEqual({ allowed: true, rule: "role/few#/rules/1" });
  const unjudged = Array.from({ length: 8 }, () => ({ rule: expect.stringContaining("role/many#"), why: "cost" }));
  expect(decide("many")).toEqual({ allowed: false, rule: undefined, unjudged });
});
