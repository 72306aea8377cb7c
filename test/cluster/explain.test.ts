import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkConditions } from "../../cmd/doctor/check-conditions.js";
import {
  connect,
  type Explanation,
  type Provider,
  serveToolset,
  type Toolgate,
  ToolgateError,
} from "../../src/index.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";
import { type Gate, gate, type Ledger, lab } from "./tools.js";

/*
 * What a call would come to, asked before it is made: each prepared fault is named right, and the call itself then fails with what was
 * said.
 */

expectNoLeaks();

let redis: TestRedis;
let cluster: ClosedCluster;
let admin: Toolgate;
let provider: Provider;
const ledger: Ledger = { runs: [] };
const held: Gate = gate();
const SUM = { a: 1, b: 2 };

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startClosedCluster({ redis, nodes: 1, config: STEADY });
  admin = await connect(cluster.nodes, { key: cluster.adminKey });
  const { key } = await admin.access.createKey({ principal: "server", roles: ["provider"] });
  provider = await serveToolset(lab(ledger, held), { nodes: cluster.nodes, key, maxBacklog: 3 });
  await until("the toolset can be called", async () => (await admin.get("lab")).healthy);
  await admin.documents.apply([
    role("no-fail", [allow({}), { effect: "deny", verbs: ["call"], tools: ["fail"] }]),
    role("blind", [allow({ tools: ["sum"] })]),
    role("small", [allow({ verbs: ["call"], when: "args.a < 10" })]),
    role("nothing", [{ verbs: ["follow"] }]),
    limit("slow", { match: { principals: ["slow"] }, per: "caller", rate: { calls: 1, perMs: 3_600_000 } }),
    limit("poor", { match: { principals: ["poor"] }, per: "caller", daily: 1 }),
  ]);
});
afterAll(async () => {
  held.open();
  await provider?.stop();
  await admin?.close();
  await cluster?.stop();
  await redis?.stop();
});

const role = (name: string, rules: readonly object[]) => ({ kind: "role", name, body: { rules } });
const allow = (more: object): object => ({ verbs: ["discover", "call"], toolsets: ["*"], ...more });
const limit = (name: string, body: object) => ({ kind: "limit", name, body });

/** A client of a principal that has one role. */
async function clientOf(principal: string, roleName: string): Promise<Toolgate> {
  const { key } = await admin.access.createKey({ principal, roles: [roleName] });
  return connect(cluster.nodes, { key });
}

/** The gate that fails, and with what. */
function failureOf({ gates, outcome }: Explanation) {
  const failed = gates.find(({ verdict }) => verdict === "failed");
  return { gate: failed?.gate, reason: failed?.reason, outcome };
}

const reasonOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "",
    (error: unknown) => (error instanceof ToolgateError ? error.reason : String(error)),
  );

const FAULTS = [
  { what: "no such toolset", toolset: "labs", gate: "contract", reason: "UNKNOWN_TOOLSET", outcome: "unknown" },
  { what: "no such tool", tool: "summ", gate: "contract", reason: "UNKNOWN_TOOL", outcome: "unknown" },
  {
    what: "a rule that denies",
    role: "no-fail",
    tool: "fail",
    payload: {},
    gate: "policy",
    reason: "FORBIDDEN",
    outcome: "operator",
  },
  {
    what: "arguments that a rule does not allow",
    role: "small",
    payload: { a: 11, b: 1 },
    gate: "arguments",
    reason: "FORBIDDEN",
    outcome: "operator",
  },
  {
    what: "arguments of another shape",
    payload: { a: "1", b: 2 },
    gate: "arguments",
    reason: "INVALID_PAYLOAD",
    outcome: "operator",
  },
  {
    what: "arguments that are too large",
    payload: { a: 1, b: 2, c: "x".repeat(1_100_000) },
    gate: "arguments",
    reason: "PAYLOAD_TOO_LARGE",
    outcome: "operator",
  },
  {
    what: "a rate that is used up",
    principal: "slow",
    spend: true,
    gate: "limits",
    reason: "RATE_LIMITED",
    outcome: "retry",
  },
  {
    what: "a day's budget that is used up",
    principal: "poor",
    spend: true,
    gate: "limits",
    reason: "BUDGET_EXHAUSTED",
    outcome: "retry",
  },
] as const satisfies readonly Fault[];

interface Fault {
  readonly what: string;
  readonly toolset?: string;
  readonly tool?: string;
  readonly role?: string;
  readonly principal?: string;
  readonly payload?: unknown;
  /** A call is made before. */
  readonly spend?: boolean;
  readonly gate: string;
  readonly reason: string;
  readonly outcome: string;
}

describe("a call that would fail", () => {
  test.each<Fault>(FAULTS)("$what", async (fault) => {
    const {
      toolset = "lab",
      tool = "sum",
      payload = SUM,
      principal = `asker-${FAULTS.indexOf(fault as never)}`,
    } = fault;
    await using client = await clientOf(principal, fault.role ?? "agent");
    if (fault.spend) await client.invoke(toolset, tool, payload);
    const { gate, reason, outcome } = fault;
    const explained = await client.access.explain(toolset, tool, { payload });
    expect(failureOf(explained)).toEqual({ gate, reason, outcome });
    expect(explained.gates.find(({ verdict }) => verdict === "failed")?.remedy).not.toBe("");
    // An administrator hears the same of it, and nothing was counted by asking.
    expect(failureOf(await admin.access.explain(toolset, tool, { payload, principal }))).toEqual({
      gate,
      reason,
      outcome,
    });
    expect(await reasonOf(client.invoke(toolset, tool, payload))).toBe(reason);
  });

  test("a tool that may not be seen, as its caller and its administrator hear of it", async () => {
    await using client = await clientOf("blind", "blind");
    expect(failureOf(await client.access.explain("lab", "fail"))).toEqual({
      gate: "contract",
      reason: "UNKNOWN_TOOL",
      outcome: "unknown",
    });
    const hidden = await admin.access.explain("lab", "fail", { principal: "blind" });
    expect(failureOf(hidden)).toEqual({ gate: "policy", reason: "FORBIDDEN", outcome: "operator" });
    expect(hidden.gates.find(({ gate }) => gate === "policy")?.detail).toContain("is not visible to the principal");
  });

  test("a backlog that is full, and providers that are gone", async () => {
    await using client = await clientOf("waiter", "agent");
    const calls = Array.from({ length: 3 }, () => client.invoke("lab", "hold", {}).catch(() => {}));
    await until("they wait", async () => {
      const explained = await client.access.explain("lab", "sum", { payload: SUM });
      return failureOf(explained).reason === "BACKLOG_FULL";
    });
    expect(failureOf(await client.access.explain("lab", "sum"))).toEqual({
      gate: "backlog",
      reason: "BACKLOG_FULL",
      outcome: "retry",
    });
    held.open();
    await Promise.all(calls);
    await provider.stop();
    await until("it is not healthy", async () => !(await client.get("lab")).healthy);
    expect(failureOf(await client.access.explain("lab", "sum"))).toEqual({
      gate: "health",
      reason: "NO_HEALTHY_PROVIDER",
      outcome: "retry",
    });
  });
});

test("a call that would be admitted passes every gate that has something to judge", async () => {
  await using client = await clientOf("fine", "agent");
  const { gates, outcome } = await client.access.explain("lab", "sum", { payload: SUM });
  // Providers may be gone by now: what comes before is judged alike.
  expect(gates.slice(0, 4).map(({ verdict }) => verdict)).toEqual(["passed", "passed", "passed", "passed"]);
  expect(["ready", "retry"]).toContain(outcome);
  const without = await client.access.explain("lab", "sum");
  expect(without.gates[2]).toMatchObject({ gate: "arguments", verdict: "skipped" });
});

test("arguments that a role's condition refuses are not said to be malformed", async () => {
  await using client = await clientOf("small", "small");
  const { gates } = await client.access.explain("lab", "sum", { payload: { a: 11, b: 1 } });
  expect(gates.find(({ gate }) => gate === "arguments")?.remedy).toContain("toolgate access role get");
});

test("a condition that cannot be judged is named to those that explain, and logged, without the arguments", async () => {
  const optional = "!args.note.contains('x')";
  await admin.documents.apply([
    role("noted", [allow({ verbs: ["call"], when: optional }), allow({ verbs: ["discover"] })]),
  ]);
  const { key } = await admin.access.createKey({ principal: "noted", roles: ["noted"] });
  await using client = await connect(cluster.nodes, { key });
  const payload = { a: 4711, b: 2 };
  await expect(client.invoke("lab", "sum", payload)).rejects.toMatchObject({
    reason: "FORBIDDEN",
    message: expect.not.stringContaining("noted#"),
  });
  const { gates } = await admin.access.explain("lab", "sum", { principal: "noted", payload });
  expect(gates.find(({ gate }) => gate === "arguments")).toMatchObject({
    verdict: "failed",
    reason: "FORBIDDEN",
    detail: expect.stringContaining("the condition of default/role/noted#/rules/0 cannot be judged"),
  });
  const lines = cluster.output(0).filter((line) => line.includes("condition_unjudged"));
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "warn", of: "default/role/noted#/rules/0" });
  expect(lines[0]).not.toContain("4711");

  const unjudged = async () => (await admin.documents.get({ kind: "role", name: "noted" })).unjudged;
  const counted = await unjudged();
  // Once by the call, once by its explanation.
  expect(counted).toEqual({ times: 2, path: "/rules/0", reason: expect.any(String), at: expect.any(Date) });
  const nodes = cluster.nodes.split(",");
  const [check] = await checkConditions(nodes, { key: cluster.adminKey });
  expect(check).toMatchObject({ name: "conditions of role/noted", finding: expect.stringContaining("2 times") });
  expect(JSON.stringify([counted, check])).not.toContain("4711");
  expect(await checkConditions(nodes, { key })).toEqual([]);
  // Another condition has another count.
  await admin.documents.apply([role("noted", [allow({})])]);
  expect(await unjudged()).toBeUndefined();
});

test("others' calls are explained to those that administer their tenant, and to nobody else", async () => {
  await using client = await clientOf("curious", "agent");
  expect(await reasonOf(client.access.explain("lab", "sum", { principal: "server" }))).toBe("FORBIDDEN");
  expect(await reasonOf(client.access.explain("lab", "sum", { roles: ["admin"] }))).toBe("FORBIDDEN");
  expect(await reasonOf(admin.access.explain("lab", "sum", { principal: "nobody" }))).toBe("INVALID_REQUEST");
  const supposed = await admin.access.explain("lab", "sum", { principal: "nobody", roles: ["nothing"] });
  expect(failureOf(supposed)).toMatchObject({ gate: "policy", reason: "FORBIDDEN" });
});
