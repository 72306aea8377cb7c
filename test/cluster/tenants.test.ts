import { credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  connect,
  defineTool,
  type Provider,
  serveToolset,
  type Toolgate,
  ToolgateError,
  Type,
} from "../../src/index.js";
import type { ListCallsResponse__Output } from "../../src/protocol/generated/toolgate/v1/ListCallsResponse.js";
import type { SessionResponse__Output } from "../../src/protocol/generated/toolgate/v1/SessionResponse.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";
import { gate } from "./tools.js";

/*
 * Tenants on one cluster, with toolsets and calls of the same names and ids: each finds its own, and nothing of another's.
 */

expectNoLeaks();

const TENANTS = ["acme", "beta"] as const;
type Tenant = (typeof TENANTS)[number];
/** A word that only one tenant's toolset, payloads and results have. */
const CANARY: Readonly<Record<Tenant, string>> = { acme: "zanzibarcanary", beta: "quokkacanary" };
const other = (tenant: Tenant): Tenant => (tenant === "acme" ? "beta" : "acme");

let redis: TestRedis;
let cluster: ClosedCluster;
let admin: Toolgate;
const keys = new Map<string, string>();
const clients: Toolgate[] = [];
const providers: Provider[] = [];
const held = gate();

const SHARED = { runId: "run-1", toolCallId: "call-1" };

const toolsetOf = (tenant: Tenant) => ({
  name: "files",
  version: "1.0.0",
  description: `Files of ${CANARY[tenant]}.`,
  tools: {
    read: defineTool({
      description: `Reads what ${CANARY[tenant]} has.`,
      payload: Type.Object({ of: Type.String() }),
      run: async ({ of }, context) => {
        await context.emit({ said: `${CANARY[tenant]} emits` });
        return `${CANARY[tenant]} ${of}`;
      },
    }),
    hold: defineTool({
      description: "Waits until it is let go.",
      payload: Type.Object({}),
      run: async () => {
        await held.passed;
        return CANARY[tenant];
      },
    }),
  },
});

/** The key of a principal of a tenant, made when it is first asked for. */
async function keyOf(tenant: string, principal: string, ...roles: string[]): Promise<string> {
  const known = keys.get(`${tenant}/${principal}`);
  if (known !== undefined) return known;
  const { key } = await admin.access.createKey({ tenant, principal, roles });
  keys.set(`${tenant}/${principal}`, key);
  return key;
}

async function clientOf(tenant: string, principal: string, ...roles: string[]): Promise<Toolgate> {
  const client = await connect(cluster.nodes, { key: await keyOf(tenant, principal, ...roles) });
  clients.push(client);
  return client;
}

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startClosedCluster({ redis, nodes: 2, config: { ...STEADY, audit: "calls" } });
  admin = await connect(cluster.nodes, { key: cluster.adminKey });
  await admin.documents.apply(TENANTS.map((name) => ({ tenant: "default", kind: "tenant", name, body: {} })));
  for (const tenant of TENANTS) {
    const key = await keyOf(tenant, "server", "provider");
    providers.push(await serveToolset(toolsetOf(tenant), { nodes: cluster.nodes, key, maxInFlight: 100 }));
    const client = await clientOf(tenant, "agent", "agent");
    await until(`${tenant} can call`, async () => (await client.get("files").catch(() => undefined))?.healthy);
  }
});
afterAll(async () => {
  held.open();
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(providers.map((provider) => provider.stop()));
  await admin?.close();
  await cluster?.stop();
  await redis?.stop();
});

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What an error says to its reader, in every part of it. */
const said = (error: unknown): string =>
  error instanceof ToolgateError
    ? JSON.stringify([error.reason, error.message, error.metadata, error.violations])
    : String(error);

const errorOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then((answer) => `answered ${JSON.stringify(answer)}`, said);

const firstOf = async <T>(items: AsyncIterable<T>): Promise<T | undefined> => {
  for await (const item of items) return item;
  return undefined;
};

test.each(TENANTS)(
  "%s sees its own toolset by its plain name, and nothing of another tenant's anywhere",
  async (tenant) => {
    const agent = await clientOf(tenant, "agent", "agent");
    const operator = await clientOf(tenant, "operator", "operator", "agent");
    const foreign = CANARY[other(tenant)];
    const result = await agent.invoke("files", "read", { of: "mine" }, SHARED);
    expect(result).toBe(`${CANARY[tenant]} mine`);
    const seen = {
      list: await gather(agent.list()),
      get: await agent.get("files"),
      own: await agent.get(`${tenant}/files`),
      search: await agent.search("files read"),
      foreign: await agent.search(foreign).then((hits) => hits),
      watch: await firstOf(agent.watch()),
      calls: await gather(operator.listCalls()),
      dead: await gather(operator.deadCalls("files")),
      unknown: await errorOf(agent.get("fils")),
      unknownTool: await errorOf(agent.invoke("files", "hald", {})),
      absent: await errorOf(agent.get(`${other(tenant)}/files`)),
      called: await errorOf(agent.invoke(`${other(tenant)}/files`, "read", { of: "theirs" })),
      operated: await errorOf(operator.unregister(`${other(tenant)}/files`, 1)),
      theirDead: await errorOf(gather(operator.deadCalls(`${other(tenant)}/files`))),
      invalid: await errorOf(agent.invoke("files", "read", { of: 1 })),
    };
    expect(seen.list.map(({ name }) => name)).toEqual(["files"]);
    expect(seen.own.digest).toBe(seen.get.digest);
    expect(new Set(seen.search.map(({ toolset }) => toolset))).toEqual(new Set(["files"]));
    expect(seen.foreign).toEqual([]);
    expect(seen.unknown).toContain('did you mean \\"files\\"');
    const { absent, ...rest } = seen;
    // What it named itself is all that comes back of the other tenant.
    expect(absent).toBe((await errorOf(agent.get(`${other(tenant)}/filez`))).replaceAll("filez", "files"));
    expect(JSON.stringify(rest)).not.toContain(foreign);
    expect(JSON.stringify([seen.list, seen.get, seen.search, seen.watch])).not.toContain(other(tenant));
    expect(JSON.stringify([seen.list, seen.search, seen.watch, seen.unknown, seen.invalid])).not.toContain(
      `${tenant}/`,
    );
    expect(absent).toContain("UNKNOWN_TOOLSET");
    expect(seen.called).toContain("UNKNOWN_TOOLSET");
    expect(seen.operated).toContain("UNKNOWN_TOOLSET");
    expect(seen.theirDead).toContain("UNKNOWN_TOOLSET");
  },
);

test("equal run and call ids are two calls, and another tenant's is a call that never was", async () => {
  const [acme, beta] = [await clientOf("acme", "agent", "agent"), await clientOf("beta", "agent", "agent")];
  const operator = await clientOf("beta", "operator", "operator", "agent");
  const [ofAcme, ofBeta] = await Promise.all([
    acme.call("files", "read", { of: "same" }, { runId: "r", toolCallId: "c" }),
    beta.call("files", "read", { of: "same" }, { runId: "r", toolCallId: "c" }),
  ]);
  expect(ofAcme.callId).not.toBe(ofBeta.callId);
  expect(ofAcme.toolset).toBe("files");
  const results = async (client: Toolgate, callId: string) => JSON.stringify(await gather(client.follow(callId)));
  expect(await results(acme, ofAcme.callId)).toContain(CANARY.acme);
  expect(await results(beta, ofBeta.callId)).toContain(CANARY.beta);
  const never = `${ofAcme.callId.slice(0, -22)}${"A".repeat(22)}`;
  for (const client of [beta, operator]) {
    for (const asked of [
      (id: string) => client.getCall(id),
      (id: string) => client.cancel(id),
      (id: string) => gather(client.follow(id)),
      (id: string) => gather(client.follow(id, { cursor: "1-0" })),
    ]) {
      const unknown = await errorOf(asked(never));
      expect(unknown).toContain("UNKNOWN_CALL");
      expect(await errorOf(asked(ofAcme.callId))).toBe(unknown.replaceAll(never, ofAcme.callId));
    }
  }
  expect(await results(acme, ofAcme.callId)).toContain("result");
  // The audit has who asked, and says of neither which of the two there is.
  const auditor = await clientOf("beta", "auditor", "auditor");
  const asked = async (callId: string) =>
    (await gather(auditor.audit.query({ callId })))
      .map(({ event, principal, verb, toolset, tool, rule, outcome, reason, executed }) =>
        JSON.stringify([event, principal, verb, toolset, tool, rule, outcome, reason, executed]),
      )
      .toSorted();
  await until("all is recorded", async () => (await asked(ofAcme.callId)).length === 8);
  const refusal = (principal: string, verb: string) =>
    JSON.stringify(["refusal", `beta/${principal}`, verb, "", "", "", "refused", "UNKNOWN_CALL", "no"]);
  expect(await asked(ofAcme.callId)).toEqual(
    ["agent", "operator"]
      .flatMap((principal) => [
        refusal(principal, "cancel"),
        ...Array.from({ length: 3 }, () => refusal(principal, "follow")),
      ])
      .toSorted(),
  );
  expect(await asked(never)).toEqual(await asked(ofAcme.callId));
  const acmes = await clientOf("acme", "auditor", "auditor");
  expect(JSON.stringify(await gather(acmes.audit.query({ callId: ofAcme.callId })))).not.toContain("beta");
});

test("within a tenant a call is its principal's, and of those that may follow or cancel it", async () => {
  const owner = await clientOf("acme", "agent", "agent");
  const colleague = await clientOf("acme", "colleague", "agent");
  const operator = await clientOf("acme", "operator", "operator", "agent");
  const ids = { runId: "held", toolCallId: "held" };
  const { callId } = await owner.call("files", "hold", {}, ids);
  expect(await gather(owner.listCalls())).toMatchObject([{ callId, toolset: "files" }]);
  expect(await gather(operator.listCalls())).toMatchObject([{ callId }]);
  expect(await gather(colleague.listCalls())).toEqual([]);
  expect(await gather(admin.listCalls())).toMatchObject([{ callId, toolset: "acme/files" }]);
  expect(await errorOf(colleague.getCall(callId))).toContain("UNKNOWN_CALL");
  expect(await errorOf(colleague.cancel(callId))).toContain("UNKNOWN_CALL");
  expect(await errorOf(colleague.invoke("files", "hold", {}, ids))).toContain("CALL_CONFLICT");
  expect(await operator.getCall(callId)).toMatchObject({ state: "claimed" });
  expect(await operator.call("files", "hold", {}, ids)).toMatchObject({ callId });
  // An aborted repeat of somebody else's call cancels none but its own.
  const leaving = new AbortController();
  const repeat = errorOf(
    colleague.invoke("files", "hold", {}, { ...ids, signal: leaving.signal, onDisconnect: "cancel" }),
  );
  leaving.abort();
  await repeat;
  expect(await owner.getCall(callId)).toMatchObject({ state: "claimed", cancelRequested: false });
  expect(await operator.cancel(callId)).toBeDefined();
  expect(await owner.getCall(callId)).toMatchObject({ cancelRequested: true });
});

test("page tokens name no calls that their reader may not see, and go on through every node", async () => {
  const owner = await clientOf("acme", "agent", "agent");
  const ids = new Set<string>();
  // More than one page looks at.
  const calls = Array.from({ length: 25 }, (_, n) =>
    owner.call("files", "hold", {}, { runId: "paged", toolCallId: `${n}` }),
  );
  for (const { callId } of await Promise.all(calls)) ids.add(callId);
  const { Gateway } = loadProtocol();
  const wires = cluster.addresses.map((address) => new Gateway(address, credentials.createInsecure()));
  const pages = async (principal: string) => {
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${await keyOf("acme", principal, "agent")}`);
    const [tokens, seen]: [string[], string[]] = [[], []];
    for (let token = "", turn = 0; turn === 0 || token !== ""; turn++) {
      const wire = wires[turn % wires.length];
      const page = await new Promise<ListCallsResponse__Output>((resolve, reject) =>
        wire?.listCalls({ toolset: "files", pageSize: 1, pageToken: token }, metadata, (error, answer) =>
          answer === undefined ? reject(error) : resolve(answer),
        ),
      );
      seen.push(...page.calls.map(({ handle }) => handle?.callId ?? ""));
      token = page.nextPageToken;
      tokens.push(Buffer.from(token, "base64url").toString("latin1"));
    }
    return { tokens, seen };
  };
  try {
    const mine = await pages("agent");
    expect(mine.seen).toEqual(expect.arrayContaining([...ids]));
    const others = await pages("colleague");
    expect(others.seen).toEqual([]);
    expect(others.tokens.length).toBeGreaterThan(1);
    for (const token of [...mine.tokens, ...others.tokens]) {
      expect(token).not.toContain("calls");
      for (const id of ids) expect(token).not.toContain(id);
    }
  } finally {
    for (const wire of wires) wire.close();
    await Promise.all([...ids].map((id) => owner.cancel(id)));
  }
});

test("a repeat that came to another's call ends when its caller may not follow that any more", async () => {
  await admin.documents.apply([
    { tenant: "acme", kind: "role", name: "watching", body: { rules: [{ verbs: ["call", "follow"] }] } },
  ]);
  const owner = await clientOf("acme", "agent", "agent");
  const ids = { runId: "watched", toolCallId: "watched" };
  const { callId } = await owner.call("files", "hold", {}, ids);
  await until("it runs", async () => (await owner.getCall(callId)).state === "claimed");
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${await keyOf("acme", "watcher", "watching")}`);
  const { Gateway } = loadProtocol();
  const wire = new Gateway(cluster.addresses[0] ?? "", credentials.createInsecure());
  const call = { toolset: "files", tool: "hold", payloadJson: Buffer.from("{}"), meta: ids };
  try {
    const invoked = new Promise<string>((resolve) => {
      wire.invoke({ call }, metadata, (error) => resolve(String(error?.message)));
    });
    const handled = new Set<number>();
    const session = wire.session(metadata);
    const terminals = new Map<number, string>();
    session.on("data", ({ accepted, terminals: ended }: SessionResponse__Output) => {
      for (const { ref } of accepted) handled.add(ref);
      for (const { ref, terminal } of ended) terminals.set(ref, terminal?.error?.reason ?? "");
    });
    session.on("error", () => {});
    session.write({
      calls: [
        { ref: 1, call, wantHandle: true },
        { ref: 2, call, wantHandle: true, wantDeltas: true },
        { ref: 3, call: { ...call, meta: { runId: "own", toolCallId: "own" } }, wantHandle: true },
      ],
    });
    await until("they wait", () => handled.size === 3);
    await admin.documents.apply([
      { tenant: "acme", kind: "role", name: "watching", body: { rules: [{ verbs: ["call"] }] } },
    ]);
    await until("those of the owner's call end", () => terminals.size === 2);
    expect(Object.fromEntries(terminals)).toEqual({ 1: "ACCESS_CHANGED", 2: "ACCESS_CHANGED" });
    expect(await invoked).toMatch(/may see or do has changed/);
    expect(await owner.getCall(callId)).toMatchObject({ state: "claimed", cancelRequested: false });
    session.cancel();
  } finally {
    wire.close();
  }
  expect(await owner.cancel(callId)).toBeDefined();
});

test("a toolset that is shared is called by its tenant's name, by those with whom it is shared", async () => {
  const acme = await clientOf("acme", "agent", "agent");
  await admin.documents.apply([
    { tenant: "beta", kind: "share", name: "files", body: { toolsets: ["files"], tools: ["read"], with: ["acme"] } },
  ]);
  await until("it is seen", async () => (await gather(acme.list())).length === 2);
  const names = (await gather(acme.list())).map(({ name }) => name);
  expect(names.toSorted()).toEqual(["beta/files", "files"]);
  const shared = await acme.get("beta/files");
  expect(shared.tools.map(({ name }) => name)).toEqual(["read"]);
  expect(await acme.invoke("beta/files", "read", { of: "shared" }, SHARED)).toBe(`${CANARY.beta} shared`);
  expect(await acme.invoke("files", "read", { of: "mine" }, SHARED)).toBe(`${CANARY.acme} mine`);
  const handle = await acme.call("beta/files", "read", { of: "shared" });
  expect(handle.toolset).toBe("beta/files");
  expect((await acme.search(CANARY.beta)).map(({ toolset, tool }) => [toolset, tool])).toContainEqual([
    "beta/files",
    "read",
  ]);
  expect(await errorOf(acme.invoke("beta/files", "hold", {}))).toContain("UNKNOWN_TOOL");
  await admin.documents.apply([{ tenant: "beta", kind: "share", name: "files", remove: true }]);
  await until("it is not seen any more", async () => (await gather(acme.list())).length === 1);
  expect(await errorOf(acme.invoke("beta/files", "read", { of: "shared" }))).toContain("UNKNOWN_TOOLSET");
});

test("64 clients with equal numbers and ids each get their own answers", async () => {
  const many = await Promise.all(
    Array.from({ length: 64 }, async (_, n) => {
      const tenant = TENANTS[n % 2] ?? "acme";
      return { tenant, n, client: await clientOf(tenant, "agent", "agent") };
    }),
  );
  await Promise.all(
    many.map(async ({ tenant, n, client }) => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          client.invoke("files", "read", { of: `${n}:${i}` }, { runId: `equal-${n >> 1}`, toolCallId: `equal-${i}` }),
        ),
      );
      expect(answers).toEqual(Array.from({ length: 8 }, (_, i) => `${CANARY[tenant]} ${n}:${i}`));
    }),
  );
});

test("each tenant's audit has its own records and nobody else's, and the seals over all of them hold for both", async () => {
  const auditors = {
    acme: await clientOf("acme", "auditor", "auditor"),
    beta: await clientOf("beta", "auditor", "auditor"),
  };
  const made = { acme: new Set<string>(), beta: new Set<string>() };
  for (let nth = 0; nth < 10; nth++) {
    for (const tenant of TENANTS) {
      const agent = await clientOf(tenant, "agent", "agent");
      const ids = { runId: "audited", toolCallId: `${nth}` };
      made[tenant].add((await agent.call("files", "read", { of: `${nth}` }, ids)).callId);
      await errorOf(agent.invoke("files", "missing", {}));
    }
  }
  const recordsOf = async (tenant: Tenant) => await gather(auditors[tenant].audit.query());
  for (const tenant of TENANTS) {
    await until("all have ended", async () => {
      const ended = new Set(
        (await recordsOf(tenant)).filter(({ event }) => event === "end").map(({ callId }) => callId),
      );
      return [...made[tenant]].every((id) => ended.has(id));
    });
    await until("its refusals are recorded", async () =>
      (await recordsOf(tenant)).some(({ event, tool }) => event === "refusal" && tool === "missing"),
    );
    const records = await recordsOf(tenant);
    expect(new Set(records.map((record) => record.tenant))).toEqual(new Set([tenant]));
    // Its administrator is of another tenant; whoever calls is of its own.
    const callers = records.filter(({ event }) => event !== "change").map(({ principal }) => principal.split("/")[0]);
    expect(new Set(callers)).toEqual(new Set([tenant]));
    expect(records.some(({ callId }) => made[other(tenant)].has(callId))).toBe(false);
    expect(await errorOf(gather(auditors[tenant].audit.query({ tenant: other(tenant) })))).toContain("FORBIDDEN");
    const last = records.at(-1)?.at.getTime() ?? 0;
    const verdict = await until(
      "they are sealed",
      async () => {
        const found = await auditors[tenant].audit.verify();
        return Number(found.sealedUntil.split("-")[0]) >= last && found;
      },
      { withinMs: 40_000, everyMs: 250 },
    );
    expect(verdict.faults).toEqual([]);
    expect(verdict.records).toBeGreaterThanOrEqual(records.length);
  }
});

test("a tenant that is over its limit, and goes on asking, has no call of another one refused", async () => {
  const body = { per: "tenant", rate: { calls: 20, perMs: 1_000 }, match: { tools: ["read"] } };
  await admin.documents.apply([{ tenant: "acme", kind: "limit", name: "noisy", body }]);
  const [noisy, quiet] = [await clientOf("acme", "agent", "agent"), await clientOf("beta", "agent", "agent")];
  const outcomes = { RATE_LIMITED: 0, answered: 0 };
  const ask = async (): Promise<void> => {
    const outcome = await errorOf(noisy.invoke("files", "read", { of: "noise" }));
    outcomes[outcome.includes("RATE_LIMITED") ? "RATE_LIMITED" : "answered"]++;
  };
  await until("the limit holds", async () => {
    await Promise.all(Array.from({ length: 10 }, ask));
    return outcomes.RATE_LIMITED > 0;
  });
  const stop = new AbortController();
  const noise = Array.from({ length: 8 }, async () => {
    while (!stop.signal.aborted) await ask();
  });
  const answers: unknown[] = [];
  for (let nth = 0; nth < 100; nth++) answers.push(await quiet.invoke("files", "read", { of: `${nth}` }));
  stop.abort();
  await Promise.all(noise);
  await admin.documents.apply([{ tenant: "acme", kind: "limit", name: "noisy", remove: true }]);
  expect(answers).toEqual(Array.from({ length: 100 }, (_, nth) => `${CANARY.beta} ${nth}`));
  expect(outcomes.RATE_LIMITED).toBeGreaterThan(100);
});
