import { describe, expect, test } from "vitest";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { DEFAULT_TENANT, parseTenantName, type TenantName } from "../../src/identity/tenant.js";
import { LIMIT } from "../../src/limits/limit.js";

const parse = (body: unknown, tenant: TenantName = DEFAULT_TENANT) =>
  LIMIT.parse(body, { tenant, kind: "limit", name: "some" });
function faultsOf(body: unknown, tenant?: TenantName): readonly string[] {
  try {
    parse(body, tenant);
    return [];
  } catch (error) {
    if (!(error instanceof ToolgateError)) throw error;
    expect(error.reason).toBe("INVALID_DOCUMENT");
    return error.violations.map(({ field }) => field);
  }
}
const acme = parseTenantName("acme", "tenant");

describe("a limit document", () => {
  test("has everything that limits may say", () => {
    const body = {
      match: { principals: ["agent-*"], tenants: ["*"], toolsets: ["files", "acme/*"], tools: ["read_*"] },
      per: "run",
      rate: { calls: 100, perMs: 1_000, burst: 10 },
      concurrency: 4,
      daily: 1_000,
      total: 50,
      loop: { failures: 3 },
    };
    expect(parse(body)).toEqual(body);
    expect(parse({ per: "caller", daily: 1 })).toEqual({ per: "caller", daily: 1 });
  });

  test.each<[string, unknown, string]>([
    ["no object", [], ""],
    ["nothing that it limits", { per: "caller" }, ""],
    ["an unknown subject", { per: "everybody", daily: 1 }, "/per"],
    ["no subject", { daily: 1 }, "/per"],
    ["a budget of a run for each caller", { per: "caller", total: 1 }, "/total"],
    ["a loop of no run", { per: "tool", loop: { failures: 3 } }, "/loop"],
    ["a rate of nothing", { per: "caller", rate: { calls: 0, perMs: 1_000 } }, "/rate/calls"],
    ["a rate in no time", { per: "caller", rate: { calls: 1, perMs: 0 } }, "/rate/perMs"],
    ["a rate in half a call", { per: "caller", rate: { calls: 1.5, perMs: 1 } }, "/rate/calls"],
    ["a rate over a million a second", { per: "caller", rate: { calls: 1_001, perMs: 1 } }, "/rate"],
    ["a burst of months", { per: "caller", rate: { calls: 1, perMs: 86_400_000, burst: 32 } }, "/rate/burst"],
    ["a number as a text", { per: "caller", daily: "5" }, "/daily"],
    ["no patterns in a list", { per: "caller", daily: 1, match: { tools: [] } }, "/match/tools"],
    ["a pattern that is no name", { per: "caller", daily: 1, match: { toolsets: ["Files"] } }, "/match/toolsets/0"],
    ["control characters", { per: "caller", daily: 1, match: { principals: ["a\nb"] } }, "/match/principals/0"],
  ])("is refused with %s", (_, body, field) => {
    expect(faultsOf(body)).toContain(field);
  });

  test("names other tenants only in the default tenant", () => {
    const body = { per: "tenant", daily: 1, match: { tenants: ["acme"] } };
    expect(faultsOf(body)).toEqual([]);
    expect(faultsOf(body, acme)).toEqual(["/match/tenants"]);
  });

  test("says which members are not known", () => {
    const unknown = LIMIT.unknownMembers?.({ per: "caller", daily: 1, match: { tool: ["x"] }, rat: {} }) ?? [];
    expect(unknown.map(({ field }) => field).toSorted()).toEqual(["/match/tool", "/rat"]);
  });
});
