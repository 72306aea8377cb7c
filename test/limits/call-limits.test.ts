import { describe, expect, test } from "vitest";
import type { ToolName, ToolsetName } from "../../src/identity/names.js";
import { parseRegistryName } from "../../src/identity/names.js";
import { DEFAULT_TENANT, type TenantName } from "../../src/identity/tenant.js";
import { CallLimits } from "../../src/limits/call-limits.js";
import { LIMIT } from "../../src/limits/limit.js";
import { limitError } from "../../src/limits/limit-error.js";
import { createKeyspace } from "../../src/redis/keys.js";
import { DocumentsInMemory } from "../access/policy/documents-in-memory.js";

const ACME = "acme" as TenantName;
const BETA = "beta" as TenantName;
const NO_ARGUMENTS = Buffer.from("{}");

/** The same object for all calls of a caller, as a node has it. */
const principals = new Map<string, { readonly tenant: TenantName; readonly id: string }>();
function principalOf(caller: string) {
  const [tenant = "", id = ""] = caller.split(" ");
  const principal = principals.get(caller) ?? { tenant: tenant as TenantName, id };
  principals.set(caller, principal);
  return principal;
}

function limitsOver(shards = 1) {
  const documents = new DocumentsInMemory();
  const keyspace = createKeyspace(parseRegistryName("test", "registry"), shards);
  const limits = new CallLimits(documents, keyspace);
  limits.start();
  const of = (
    caller: string,
    {
      toolset = "files",
      tool = "read",
      run,
      payload = NO_ARGUMENTS,
    }: Partial<Record<"toolset" | "tool" | "run", string>> & { payload?: Buffer } = {},
  ) => {
    return limits.of(principalOf(caller), toolset as ToolsetName, tool as ToolName, run, payload);
  };
  const names = (...call: Parameters<typeof of>) => of(...call)?.counted.map(({ rule }) => rule.name) ?? [];
  return { documents, keyspace, limits, of, names };
}

describe("the limits of a call", () => {
  test("are none without documents, and none where none fits", () => {
    const { documents, of } = limitsOver();
    expect(of("default ann")).toBeUndefined();
    documents.put(LIMIT, "others", { per: "caller", daily: 1, match: { tools: ["write*"] } });
    expect(of("default ann")).toBeUndefined();
    documents.put(LIMIT, "all", { per: "caller", daily: 1 });
    expect(of("default ann")?.counted).toHaveLength(1);
    documents.remove(LIMIT, "all");
    expect(of("default ann")).toBeUndefined();
  });

  test("are those of all documents that fit, for caller, toolset and tool", () => {
    const { documents, names } = limitsOver();
    documents.put(LIMIT, "robots", { per: "caller", daily: 1, match: { principals: ["robot-*"] } });
    documents.put(LIMIT, "writing", { per: "tool", concurrency: 1, match: { toolsets: ["fil*"], tools: ["write"] } });
    expect(names("default robot-1")).toEqual(["robots"]);
    expect(names("default robot-1", { tool: "write" })).toEqual(["robots", "writing"]);
    expect(names("default ann", { tool: "write" })).toEqual(["writing"]);
    expect(names("default ann", { toolset: "web", tool: "write" })).toEqual([]);
  });

  test("of a tenant are for its callers and its toolsets; others' are named by the default tenant alone", () => {
    const { documents, names } = limitsOver();
    documents.put(LIMIT, "ours", { per: "tenant", daily: 1 }, ACME);
    documents.put(LIMIT, "shared", { per: "tenant", daily: 1, match: { toolsets: ["files"] } }, ACME);
    documents.put(LIMIT, "cluster", { per: "tenant", daily: 1, match: { tenants: ["*"] } });
    documents.put(LIMIT, "home", { per: "tenant", daily: 1 });
    expect(names("acme ann")).toEqual(["ours", "cluster", "home"]); // on a toolset of the default tenant
    expect(names("acme ann", { toolset: "acme/files" })).toEqual(["ours", "shared", "cluster"]);
    expect(names("beta bob", { toolset: "acme/files" })).toEqual(["ours", "shared", "cluster"]);
    expect(names("beta bob", { toolset: "beta/files" })).toEqual(["cluster"]);
  });

  test("count for each subject by itself", () => {
    const { documents, of } = limitsOver();
    for (const per of ["caller", "tenant", "toolset", "tool", "run"]) documents.put(LIMIT, per, { per, daily: 1 });
    const subjects = (...call: Parameters<typeof of>) => of(...call)?.counted.map(({ subject }) => subject) ?? [];
    const [caller, tenant, toolset, tool, run] = subjects("default ann", { run: "r1" });
    expect(subjects("default bob", { run: "r1" })).toEqual([
      expect.not.stringMatching(`${caller}`),
      tenant,
      toolset,
      tool,
      run,
    ]);
    expect(subjects("default ann", { run: "r2", tool: "write" })).toEqual([
      ...[caller, tenant, toolset],
      ...[expect.not.stringMatching(`${tool}`), expect.not.stringMatching(`${run}`)],
    ]);
    expect(subjects("default ann")).toEqual([caller, tenant, toolset, tool]);
    expect(new Set([caller, tenant, toolset, tool, run]).size).toBe(5);
    for (const subject of [caller, run]) expect(subject).toMatch(/^[\w-]{22}$/);
  });

  test("have one guard of loops, the strictest, of the same arguments in one run", () => {
    const { documents, of } = limitsOver();
    documents.put(LIMIT, "lenient", { per: "run", loop: { failures: 5 } });
    documents.put(LIMIT, "strict", { per: "run", loop: { failures: 3 } });
    const guard = (call: Parameters<typeof of>[1]) => of("default ann", call)?.counted;
    const [one, ...others] = guard({ run: "r1" }) ?? [];
    expect(one).toMatchObject({ kind: "loop", most: 3, rule: { name: "strict" } });
    expect(others).toEqual([]);
    expect(guard({ run: "r1" })?.[0]?.subject).toBe(one?.subject);
    expect(guard({ run: "r1", payload: Buffer.from("[]") })?.[0]?.subject).not.toBe(one?.subject);
    expect(guard({ run: "r2" })?.[0]?.subject).not.toBe(one?.subject);
    expect(guard({})).toBeUndefined();
  });

  test("are the same list for calls of one caller, so that a batch names them once", () => {
    const { documents, of } = limitsOver();
    documents.put(LIMIT, "all", { per: "caller", daily: 1 });
    documents.put(LIMIT, "runs", { per: "run", total: 1 });
    expect(of("default ann")?.counted).toBe(of("default ann")?.counted);
    expect(of("default ann", { run: "r" })?.counted).toBe(of("default ann", { run: "r" })?.counted);
  });

  test("are counted in the call's shard where that can be, else in that of the caller's tenant", () => {
    const { documents, keyspace, of } = limitsOver(16);
    for (const per of ["caller", "tool"]) documents.put(LIMIT, per, { per, daily: 1, match: { tenants: ["*"] } });
    const home = keyspace.forTenant(BETA);
    const toolsets = Array.from({ length: 200 }, (_, i) => `beta/tools-${i}` as ToolsetName);
    const near = toolsets.find((toolset) => keyspace.forToolset(toolset) === home);
    const far = toolsets.find((toolset) => keyspace.forToolset(toolset) !== home);
    expect(of("beta bob", { toolset: near ?? "" })).toMatchObject({ counted: [{}, {}], reserved: [] });
    expect(of("beta bob", { toolset: far ?? "" })).toMatchObject({
      counted: [{ rule: { name: "tool" } }],
      reserved: [{ rule: { name: "caller" } }],
      reservedAt: home,
    });
  });
});

describe("a refusal by a limit", () => {
  const refusalBy = (body: object, more: object = {}, reader: TenantName = ACME) => {
    const { documents, of } = limitsOver();
    documents.put(LIMIT, "mine", body, ACME);
    const [limit] = of("acme ann", { toolset: "acme/files", run: "r" })?.counted ?? [];
    if (limit === undefined) throw new Error("there is a limit");
    return limitError({ limit, retryAfterMs: undefined, resetMs: undefined, budgetLeft: undefined, ...more }, reader);
  };

  test("says of a rate when to come again", () => {
    const rate = { calls: 100, perMs: 1_000, burst: 5 };
    expect(refusalBy({ per: "caller", rate }, { retryAfterMs: 12, resetMs: 50 })).toMatchObject({
      reason: "RATE_LIMITED",
      executed: "no",
      retryAfterMs: 12,
      metadata: { limit_document: "mine", limit: "100", remaining: "0", reset_ms: "50" },
      message: 'the limit "mine" allows 100 calls in 1000 ms for each caller; retry in 12 ms',
    });
  });

  test("says of a budget what is left, and nothing of a retry where none helps", () => {
    const spent = refusalBy({ per: "run", total: 3 }, { budgetLeft: 0 });
    expect(spent).toMatchObject({
      reason: "BUDGET_EXHAUSTED",
      retryAfterMs: undefined,
      metadata: { budget_left: "0", limit: "3" },
    });
    expect(refusalBy({ per: "run", loop: { failures: 3 } }, { budgetLeft: 7 })).toMatchObject({
      reason: "LOOP",
      metadata: { budget_left: "7" },
    });
    expect(refusalBy({ per: "tool", concurrency: 2 }, { retryAfterMs: 250 }).reason).toBe("RATE_LIMITED");
  });

  test("names another tenant's document by its tenant", () => {
    expect(refusalBy({ per: "tool", daily: 1 }, {}, DEFAULT_TENANT).metadata.limit_document).toBe("acme/mine");
  });
});
