import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { connect, type Provider, type ProviderEvent, type Toolgate, type ToolsetChange } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { type Gate, gate, type Ledger, serveLab } from "./tools.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let agent: Toolgate;
let other: Toolgate;
let ledger: Ledger;
let held: Gate;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, config: FAST });
  agent = await connect(cluster.addresses[1] ?? "");
  other = await connect(cluster.addresses[2] ?? "");
});
beforeEach(async () => {
  ledger = { runs: [] };
  held = gate();
  return async () => {
    held.open();
    const left = await agent.get("lab").catch(() => undefined);
    if (left !== undefined) await agent.unregister("lab", left.epochs[0]?.epoch ?? 0);
    await until("the toolset is gone everywhere", async () => {
      const views = await Promise.all([agent, other].map((one) => one.get("lab").catch(() => undefined)));
      return views.every((view) => view === undefined);
    });
  };
});
afterAll(async () => {
  await agent?.close();
  await other?.close();
  await cluster?.stop();
  await redis?.stop();
});

interface Served {
  readonly provider: Provider;
  readonly events: ProviderEvent[];
}

/** A provider of a version of the lab, ended with its test. */
async function serveVersion(
  version: string,
  options: { maxInFlight?: number; replace?: boolean; retireAfterMs?: number; description?: string } = {},
): Promise<Served> {
  const events: ProviderEvent[] = [];
  const { description, ...rest } = options;
  const provider = await serveLab(
    ledger,
    { nodes: cluster.nodes, onEvent: (event) => events.push(event), ...rest },
    held,
    version,
    description ?? `The lab, ${version}.`,
  );
  onTestFinished(() => provider.stop({ graceMs: 0 }));
  return { provider, events };
}

const callable = (version: string) =>
  until(`${version} can be called from every node`, async () => {
    const views = await Promise.all([agent, other].map((one) => one.get("lab").catch(() => undefined)));
    return views.every((view) => view?.version === version && view.healthy);
  });
const states = async (one = agent) =>
  Object.fromEntries((await one.get("lab")).epochs.map(({ version, state }) => [version, state]));

describe("a rolling update", () => {
  test("goes over when the new providers have room, fails no call, and tells the old ones", async () => {
    const old = await serveVersion("1.0.0", { maxInFlight: 10 });
    await callable("1.0.0");
    let failed = 0;
    let calls = 0;
    let rolling = true;
    const load = Array.from({ length: 8 }, async (_, i) => {
      while (rolling) {
        calls++;
        await (i % 2 ? agent : other).invoke("lab", "sum", { a: 1, b: 2 }).catch(() => failed++);
      }
    });
    const small = await serveVersion("2.0.0", { maxInFlight: 2 });
    await until("the candidate is known", async () => (await states())["2.0.0"] === "candidate");
    expect(small.provider.state).toBe("serving");
    const large = await serveVersion("2.0.0", { maxInFlight: 5 });
    await callable("2.0.0");
    await until("the old provider heard of it", () => old.events.some((event) => event.kind === "superseded"));
    await until("some calls were made after that", () => calls > 200);
    await old.provider.stop();
    await until(
      "the old epoch is gone on every node",
      async () => Object.keys(await states(other)).length === 1 && Object.keys(await states()).length === 1,
    );
    rolling = false;
    await Promise.all(load);
    expect(failed).toBe(0);
    expect(large.provider.epoch).toBe(small.provider.epoch);
  });

  test("old calls finish where they were admitted", async () => {
    await serveVersion("1.0.0");
    await callable("1.0.0");
    const outcome = agent.invoke("lab", "hold", {});
    await until("the tool runs", () => ledger.runs.length === 1);
    await serveVersion("2.0.0");
    await callable("2.0.0");
    held.open();
    expect(await outcome).toBe("let go");
  });

  test("a call pinned to the retiring digest is served while its providers live, then refused", async () => {
    const old = await serveVersion("1.0.0");
    await callable("1.0.0");
    const { digest } = await agent.get("lab");
    await serveVersion("2.0.0");
    await callable("2.0.0");
    expect(await agent.invoke("lab", "sum", { a: 1, b: 1 }, { expectDigest: digest })).toBe(2);
    await old.provider.stop();
    await until("the old epoch is gone", async () => Object.keys(await states()).length === 1);
    await expect(agent.invoke("lab", "sum", { a: 1, b: 1 }, { expectDigest: digest })).rejects.toMatchObject({
      reason: "DIGEST_MISMATCH",
    });
  });

  test("retire_after drains the old providers' sessions for good", async () => {
    const old = await serveVersion("1.0.0", { retireAfterMs: 300 });
    await callable("1.0.0");
    await serveVersion("2.0.0");
    await callable("2.0.0");
    expect(await old.provider.closed).toEqual({ kind: "retired" });
  });

  test("what waited in the old epoch and was never claimed moves on", async () => {
    const old = await serveVersion("1.0.0", { maxInFlight: 1 });
    await callable("1.0.0");
    const running = agent.invoke("lab", "hold", {});
    await until("the only slot is taken", () => ledger.runs.length === 1);
    const waiting = agent.invoke("lab", "sum", { a: 3, b: 4 });
    await serveVersion("2.0.0");
    await callable("2.0.0");
    const stopped = old.provider.stop({ graceMs: 20_000 });
    expect(await waiting).toBe(7);
    held.open();
    expect(await running).toBe("let go");
    await stopped;
  });

  test("the same or a lower version with another contract is refused with the differences; replace rolls back", async () => {
    const newer = await serveVersion("2.0.0");
    await callable("2.0.0");
    await expect(serveVersion("1.0.0")).rejects.toMatchObject({
      reason: "CONTRACT_CONFLICT",
      message: expect.stringContaining("version differs"),
    });
    await expect(serveVersion("2.0.0", { description: "changed in place" })).rejects.toMatchObject({
      reason: "CONTRACT_CONFLICT",
      message: expect.stringContaining("description differs"),
    });
    expect(await states()).toEqual({ "2.0.0": "active" });
    await serveVersion("1.0.0", { replace: true });
    await callable("1.0.0");
    await until("the newer provider heard of it", () => newer.events.some((event) => event.kind === "superseded"));
  });

  test("an operator promotes a candidate", async () => {
    await serveVersion("1.0.0", { maxInFlight: 100 });
    await callable("1.0.0");
    await serveVersion("2.0.0", { maxInFlight: 1 });
    const candidate = await until("the candidate has answered a ping", async () =>
      (await agent.get("lab")).epochs.find(({ state, health }) => state === "candidate" && health.healthy),
    );
    await agent.promote("lab", candidate.epoch);
    expect((await agent.get("lab")).epoch).toBe(candidate.epoch);
  });
});

describe("the catalogue", () => {
  test("tells of a registration on every node, in order, and resumes from a revision", async () => {
    const changes: ToolsetChange[] = [];
    const controller = new AbortController();
    let revision = "";
    const watching = (async () => {
      for await (const event of other.watch({ toolsets: ["lab"], signal: controller.signal })) {
        revision = event.revision;
        if (event.kind === "changes") changes.push(...event.changes);
      }
    })().catch(() => undefined);
    await until("the watch has begun", () => revision !== "");
    const before = revision;
    await serveVersion("1.0.0");
    await until("it became healthy", () => changes.some(({ kind }) => kind === "healthy"));
    expect(changes.map(({ kind }) => kind).slice(0, 3)).toEqual(["registered", "activated", "healthy"]);
    controller.abort();
    await watching;
    const again: ToolsetChange[] = [];
    for await (const event of agent.watch({ toolsets: ["lab"], revision: before })) {
      if (event.kind === "changes") again.push(...event.changes);
      if (again.some(({ kind }) => kind === "healthy")) break;
    }
    expect(again.map(({ kind }) => kind)).toEqual(changes.slice(0, again.length).map(({ kind }) => kind));
  });

  test("a caller reads its own writes on the node that it wrote to", async () => {
    await serveVersion("1.0.0");
    await callable("1.0.0");
    const { epoch } = await agent.get("lab");
    await agent.unregister("lab", epoch);
    await expect(agent.get("lab")).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET" });
  });

  test("an unregistered toolset's providers leave, and its waiting calls did not run", async () => {
    const { provider } = await serveVersion("1.0.0", { maxInFlight: 1 });
    await callable("1.0.0");
    const running = agent.invoke("lab", "hold", {});
    await until("the only slot is taken", () => ledger.runs.length === 1);
    const refused = expect(agent.invoke("lab", "sum", { a: 1, b: 1 })).rejects.toMatchObject({
      kind: "not_executed",
      reason: "EPOCH_GONE",
      executed: "no",
    });
    const { callId } = await agent.call("lab", "sum", { a: 1, b: 2 });
    await agent.unregister("lab", (await agent.get("lab")).epoch);
    await refused;
    expect((await other.getCall(callId)).terminal).toMatchObject({ kind: "not_executed", reason: "EPOCH_GONE" });
    held.open();
    expect(await running).toBe("let go");
    expect(await provider.closed).toEqual({ kind: "unregistered" });
  });

  test("search finds toolsets and tools on every node, also with a slip", async () => {
    await serveVersion("1.0.0", { description: "For experiments." });
    await callable("1.0.0");
    for (const one of [agent, other]) {
      const hits = await until("it is found", async () => {
        const found = await one.search("experimnts");
        return found.length > 0 && found;
      });
      expect(hits[0]).toMatchObject({ toolset: "lab", description: "For experiments." });
      expect((await one.search("adds two numbers"))[0]).toMatchObject({ toolset: "lab", tool: "sum" });
    }
  });
});
