import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { parseRegistryName, type ToolsetName } from "../../src/identity/names.js";
import { connect, type Provider, serveToolset, type Toolgate, Type } from "../../src/index.js";
import type { PrivateCluster } from "../../src/local-cluster/private-cluster.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import type { ListDocumentsResponse__Output } from "../../src/protocol/generated/toolgate/v1/ListDocumentsResponse.js";
import { createConnections } from "../../src/redis/connections.js";
import { createKeyspace } from "../../src/redis/keys.js";
import { KeyUses } from "../../src/store/access/key-uses.js";
import { LoginAttempts } from "../../src/store/access/login-attempts.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateCluster } from "../support/redis-groups.js";
import { until } from "../support/until.js";
import { type WebhookReceiver, webhookReceiver } from "../support/webhook-receiver.js";
import { FAST } from "./fast.js";
import { contractNamed, json, type Wire, wireTo } from "./wire.js";

/** The names of all scripts that the gateway has, and of those that a Redis Cluster has answered. */
const scripts = vi.hoisted(() => ({ defined: new Set<string>(), ran: new Set<string>() }));
/** One look of a node at a shard's deadlines, and the keys of those that it began meanwhile. */
interface Settle {
  readonly client: unknown;
  readonly key: string;
  readonly begunMeanwhile: string[];
}
const settles = vi.hoisted(() => ({ all: [] as Settle[], underWay: new Set<Settle>() }));
vi.mock("../../src/redis/script.js", async (importActual) => {
  const actual = await importActual<typeof import("../../src/redis/script.js")>();
  return {
    ...actual,
    defineScript(...definition: Parameters<typeof actual.defineScript>) {
      scripts.defined.add(definition[0]);
      return actual.defineScript(...definition);
    },
    async runScript(...run: Parameters<typeof actual.runScript>) {
      const [client, { name }, [key = ""]] = run;
      const settle: Settle = { client, key, begunMeanwhile: [] };
      if (name === "SETTLE") {
        for (const other of settles.underWay) if (other.client === client) other.begunMeanwhile.push(key);
        settles.underWay.add(settle);
        settles.all.push(settle);
      }
      try {
        const reply = await actual.runScript(...run);
        scripts.ran.add(name);
        return reply;
      } finally {
        settles.underWay.delete(settle);
      }
    },
  };
});

expectNoLeaks();

const FAST_LEASE_MS = Number(FAST.leaseMs);
/** Enough names that every master serves some of the toolsets. */
const NAMES = Array.from({ length: 12 }, (_, i) => `tools-${i}`);
const [FIRST = ""] = NAMES;

let redis: PrivateCluster;
let nodes: readonly GatewayNode[];
let agents: readonly Toolgate[];
let addresses: readonly string[];
let providers: Provider[];
let receiver: WebhookReceiver;
let folder = "";
let running = 0;

beforeAll(async () => {
  redis = await privateCluster({ args: ["--cluster-require-full-coverage", "no"] });
  receiver = await webhookReceiver();
  folder = await mkdtemp(join(tmpdir(), "toolgate-webhooks-"));
  await mkdir(join(folder, "default"));
  await writeFile(join(folder, "default", "main"), `whsec_${randomBytes(32).toString("base64")}`, { mode: 0o600 });
  const flags = {
    listen: "127.0.0.1:0",
    opsListen: "127.0.0.1:0",
    redisUrl: redis.url,
    logLevel: "silent",
    maxAttempts: 1,
    audit: "calls",
    ...FAST,
    // Of two nodes and twelve providers in one process, some wait for their turn.
    missedPings: 15,
    ...{ webhookSecrets: folder, egressAllow: "127.0.0.1" },
  };
  nodes = [createNode(parseConfig({ env: {}, flags })), createNode(parseConfig({ env: {}, flags }))];
  addresses = await Promise.all(nodes.map(async (node) => (await node.start()).address));
  agents = await Promise.all(addresses.map((address) => connect(address)));
  providers = await Promise.all(NAMES.map((name) => serve(name)));
  await until("every toolset is healthy on both nodes", async () => {
    for (const agent of agents) {
      for (const name of NAMES) if (!(await agent.get(name)).healthy) return false;
    }
    return true;
  });
});
afterAll(async () => {
  for (const agent of agents ?? []) await agent.close();
  await Promise.all((providers ?? []).map((provider) => provider.stop({ graceMs: 0 })));
  await Promise.all((nodes ?? []).map((node) => node.stop()));
  await receiver?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

function serve(name: string, version = "1.0.0", maxInFlight = 8): Promise<Provider> {
  const tools = {
    add: {
      payload: Type.Object({ a: Type.Number(), b: Type.Number() }),
      run: ({ a, b }: { a: number; b: number }) => a + b,
    },
    count: {
      payload: Type.Object({ to: Type.Integer() }),
      run: async ({ to }: { to: number }, context: { emit(delta: unknown): Promise<void> }) => {
        for (let i = 1; i <= to; i++) await context.emit(i);
        return to;
      },
    },
    fill: {
      payload: Type.Object({ bytes: Type.Integer() }),
      run: ({ bytes }: { bytes: number }) => "x".repeat(bytes),
    },
    hold: {
      payload: Type.Object({}),
      run: (_input: object, { signal }: { signal: AbortSignal }) => {
        running++;
        return new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    },
    frail: {
      payload: Type.Object({}),
      idempotent: true,
      run: () => {
        running++;
        return new Promise<never>(() => {});
      },
    },
  };
  return serveToolset(
    { name, version, description: `Version ${version}.`, tools },
    { nodes: addresses.join(","), maxInFlight },
  );
}

const agent = (index: number): Toolgate => agents[index] as Toolgate; // there are two
const terminalOf = async (callId: string) => (await agent(1).getCall(callId)).terminal;
async function gather<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

test("toolsets live on every master, and are called and followed through every node", async () => {
  const homes = new Set<unknown>();
  for (const member of redis.members) {
    const keys = await member.query((client) => client.keys("toolgate:*:toolsets"));
    if (keys.length > 0) homes.add(member);
  }
  expect(homes.size).toBe(3);
  for (const one of agents) {
    const sums = await Promise.all(NAMES.map((name, i) => one.invoke(name, "add", { a: i, b: 1 })));
    expect(sums).toEqual(NAMES.map((_, i) => i + 1));
  }
  const { callId } = await agent(0).call(FIRST, "count", { to: 3 });
  const events = await gather(agent(1).follow(callId));
  expect(events.map((event) => (event.kind === "delta" ? event.data : event.kind))).toEqual([1, 2, 3, "terminal"]);
  const large = await agent(0).call(FIRST, "fill", { bytes: 300_000 });
  await gather(agent(0).follow(large.callId));
  expect(await terminalOf(large.callId)).toMatchObject({ kind: "result", result: "x".repeat(300_000) });
  expect((await gather(agent(0).list())).map(({ name }) => name).sort()).toEqual([...NAMES].sort());
});

test("calls of all shards are listed on every node, until they end, and when they have", async () => {
  const held = await Promise.all(
    NAMES.slice(0, 6).map((name) => agent(0).call(name, "hold", {}, { timeoutMs: 60_000 })),
  );
  const ids = held.map(({ callId }) => callId).sort();
  const listed = async (options = {}) => (await gather(agent(1).listCalls(options))).map(({ callId }) => callId).sort();
  expect(new Set(ids.map((id) => id.replace(/\..*/, ""))).size).toBeGreaterThan(1);
  await until("all run", async () => (await listed({ state: "claimed" })).length === ids.length);
  expect(await listed()).toEqual(ids);
  expect(await listed({ toolset: FIRST })).toEqual([held[0]?.callId]);
  expect(await listed({ tool: "hold" })).toEqual(ids);
  expect(await listed({ tool: "add" })).toEqual([]);
  expect(await listed({ state: "queued" })).toEqual([]);
  const [one] = await gather(agent(1).listCalls({ toolset: FIRST }));
  expect(one).toMatchObject({ toolset: FIRST, tool: "hold", state: "claimed", attempt: 1, cancelRequested: false });
  expect(one?.claim?.provider).toBe(providers[0]?.providerId);
  await Promise.all(ids.map((id) => agent(0).cancel(id)));
  await until("all have ended", async () => (await listed()).length === 0);
  const ended = await gather(agent(1).listEndedCalls({ kinds: ["cancelled"] }));
  expect(ended.map(({ callId }) => callId).sort()).toEqual(ids);
  const ends = ended.map(({ endedAt }) => endedAt.getTime());
  expect(ends).toEqual([...ends].sort((one, other) => other - one));
});

test("a call that is cancelled, and one that a watcher waits for, are told across nodes", async () => {
  const before = running;
  const { callId } = await agent(0).call(FIRST, "hold", {}, { timeoutMs: 60_000 });
  await until("it runs", () => running > before);
  const following = gather(agent(1).follow(callId));
  await agent(0).cancel(callId);
  expect((await following).at(-1)).toMatchObject({ kind: "terminal", terminal: { kind: "cancelled" } });
});

test("a call whose deadline passes, and one that Redis loses, end", async () => {
  const late = await agent(0).call(FIRST, "hold", {}, { timeoutMs: 1_500 });
  await until("it has ended", async () => (await terminalOf(late.callId)) !== undefined);
  expect(await terminalOf(late.callId)).toMatchObject({ reason: "DEADLINE_EXCEEDED" });

  const before = running;
  const lost = agent(0).invoke(FIRST, "hold", {}, { timeoutMs: 30_000 });
  await until("it runs", () => running > before);
  for (const member of redis.members) {
    await member.query(async (client) => {
      for (const key of await client.keys("toolgate:*:call:*")) await client.del(key);
      for (const key of await client.keys("toolgate:*:due")) await client.del(key);
    });
  }
  await expect(lost).rejects.toMatchObject({ kind: "outcome_unknown" });
});

test("an idempotent call that was given up is kept, made again, and purged", async () => {
  const name = NAMES[1] ?? "";
  const before = running;
  const { callId } = await agent(0).call(name, "frail", {}, { timeoutMs: 60_000 });
  await until("it runs", () => running > before);
  await providers[1]?.stop({ graceMs: 0 });
  await until("it was given up", async () => (await terminalOf(callId))?.kind === "attempts_exhausted");
  const [dead] = await gather(agent(1).deadCalls(name));
  expect(dead).toMatchObject({ callId });
  expect(await agent(0).getDeadCall(name, dead?.id ?? "")).toMatchObject({ callId });
  expect(await agent(0).purgeDeadCalls(name)).toBe(1);
});

test("a contract is rolled out and promoted, watched on the other node, and unregistered with what waits for it", async () => {
  const name = NAMES[2] ?? "";
  const changes: string[] = [];
  const abort = new AbortController();
  const watching = (async () => {
    for await (const event of agent(1).watch({ toolsets: [name], signal: abort.signal })) {
      if (event.kind === "changes") changes.push(...event.changes.map(({ kind }) => kind));
      else changes.push(event.kind);
    }
  })().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  const candidate = await serve(name, "2.0.0", 1);
  providers.push(candidate);
  await until("the candidate has answered a ping", async () =>
    (await agent(0).get(name)).epochs.some(({ epoch, health }) => epoch === candidate.epoch && health.healthy),
  );
  await agent(0).promote(name, candidate.epoch);
  await until("the other node knows", async () => (await agent(1).get(name)).version === "2.0.0");
  await until("the watch has told of it", () => changes.includes("activated"));
  expect(changes[0]).toBe("snapshot");
  abort.abort();
  await watching;

  const before = running;
  // Pinned, or the old version's providers would take it.
  const { digest } = await agent(0).get(name);
  await agent(0).call(name, "hold", {}, { expectDigest: digest, timeoutMs: 60_000 });
  await until("the only room is taken", () => running > before);
  const waiting = await agent(0).call(name, "add", { a: 1, b: 1 }, { expectDigest: digest, timeoutMs: 60_000 });
  await agent(0).unregister(name, candidate.epoch);
  await until("what waited ended", async () => (await terminalOf(waiting.callId)) !== undefined);
  expect(await terminalOf(waiting.callId)).toMatchObject({ kind: "not_executed" });
});

test("a master that stands still holds up nothing of the others", async () => {
  const keyspace = createKeyspace(parseRegistryName("default", "registry"), 16);
  const homes = await Promise.all(
    NAMES.slice(3).map(async (name) => {
      const keys = keyspace.forToolset(name as ToolsetName);
      return { name, shard: keys.shard, home: await redis.masterOf(keys.prefix) };
    }),
  );
  homes.sort((one, other) => one.shard - other.shard);
  // A loop over the shards in order comes to the frozen one first. It is not the one that has the pinger's lock:
  // while that stands still no node is elected.
  const elector = await redis.masterOf(keyspace.pingerLock);
  const first = homes.find(({ home }) => home !== elector);
  const frozen = first?.home as PrivateCluster["members"][number]; // there are nine
  const { name = "" } = homes.findLast(({ home }) => home !== frozen) ?? {};
  const isOf = (toolset: string | undefined, key: string) =>
    key.startsWith(keyspace.forToolset(toolset as ToolsetName).prefix);
  frozen.freeze();
  settles.all.length = 0;
  const frozenAt = performance.now();
  try {
    const { callId } = await agent(0).call(name, "hold", {}, { timeoutMs: 1_000 });
    await until("it has ended", async () => (await terminalOf(callId)) !== undefined);
    // While a node waits for the frozen master, it goes on to look at the call's shard, again and again.
    const waited = settles.all.filter(({ key }) => isOf(first?.name, key));
    const most = Math.max(
      ...waited.map(({ begunMeanwhile }) => begunMeanwhile.filter((key) => isOf(name, key)).length),
    );
    expect(most).toBeGreaterThan(1);
    // Leases were renewed and pings sent: both would have run out by now.
    await until("a lease would have ended", () => performance.now() - frozenAt > FAST_LEASE_MS + 2_000, {
      withinMs: 10_000,
    });
    expect(await agent(1).invoke(name, "add", { a: 1, b: 2 })).toBe(3);
  } finally {
    frozen.thaw();
  }
  await until(
    "its own toolsets are served again",
    async () => (await agent(0).invoke(first?.name ?? "", "add", { a: 1, b: 2 })) === 3,
  );
});

test("toolsets are counted over all shards: of a registry that is full none takes another", async () => {
  const maxToolsets = (await gather(agent(0).list())).length;
  expect(maxToolsets).toBeGreaterThan(1);
  const flags = {
    listen: "127.0.0.1:0",
    opsListen: "off",
    redisUrl: redis.url,
    logLevel: "silent",
    maxToolsets,
    ...FAST,
  };
  const node = createNode(parseConfig({ env: {}, flags }));
  const wire = wireTo((await node.start()).address);
  try {
    for (const name of ["one-more", "two-more", "three-more"]) {
      const request = { contract: contractNamed(name), providerId: "p", incarnation: "i" };
      const error = await refusal((cb) => wire.registry.register(request, cb));
      expect(error).toMatchObject({ reason: "LIMIT_EXCEEDED", message: expect.stringContaining(`(${maxToolsets})`) });
    }
  } finally {
    wire.close();
    await node.stop();
  }
});

test("documents are changed through one node and known to the other", async () => {
  const [one, other] = addresses.map((address) => wireTo(address)) as [Wire, Wire]; // two nodes
  try {
    const ref = { kind: "role", name: "reader" };
    const bodyJson = Buffer.from('{"rules":[]}');
    await ask((cb) => one.documents.applyDocuments({ changes: [{ ref, bodyJson }], reason: "a test" }, cb));
    await until("the other node lists it", async () => {
      const { documents } = await ask<ListDocumentsResponse__Output>((cb) => other.documents.listDocuments({}, cb));
      return documents.some((document) => document.ref?.name === "reader" && bodyJson.equals(document.bodyJson));
    });
  } finally {
    one.close();
    other.close();
  }
});

test("a caller's limit counts on every shard what it calls there, and gives places back", async () => {
  const [one, other] = addresses.map((address) => wireTo(address)) as [Wire, Wire]; // two nodes
  const apply = (name: string, limit: object | undefined) => {
    const change = { ref: { kind: "limit", name }, bodyJson: limit === undefined ? Buffer.alloc(0) : json(limit) };
    return ask((cb) => one.documents.applyDocuments({ changes: [change] }, cb));
  };
  const held: string[] = [];
  const refused = async (name: string) => {
    try {
      const { callId } = await agent(1).call(name, "hold", {});
      held.push(callId);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  try {
    await apply("held", { per: "caller", concurrency: 6, match: { tools: ["hold"] } });
    await until("the other node knows the limit", async () => {
      const { documents } = await ask<ListDocumentsResponse__Output>((cb) => other.documents.listDocuments({}, cb));
      return documents.some((document) => document.ref?.name === "held");
    });
    const served = (await gather(agent(1).list({ health: "healthy" }))).map(({ name }) => name);
    const errors = await Promise.all(served.map((name) => refused(name)));
    expect(errors.filter((error) => error === undefined)).toHaveLength(6);
    for (const error of errors)
      if (error !== undefined) expect(error).toMatchObject({ reason: "RATE_LIMITED", executed: "no" });
    const explained = await agent(0).access.explain(FIRST, "hold");
    expect(explained.gates.find(({ verdict }) => verdict === "failed")).toMatchObject({
      gate: "limits",
      reason: "RATE_LIMITED",
    });
    expect((await agent(0).access.explain(FIRST, "add")).outcome).toBe("ready");
    await Promise.all(held.splice(0).map((callId) => agent(0).cancel(callId)));
    await until("a place is free again", async () => (await refused(FIRST)) === undefined);
    // Not admitted: what was counted for it is given back.
    await expect(agent(1).call(FIRST, "hold", {}, { expectDigest: "0".repeat(64) })).rejects.toMatchObject({
      reason: "DIGEST_MISMATCH",
    });
    const again = { runId: "held", toolCallId: "1" };
    const { callId } = await agent(1).call(FIRST, "hold", {}, again);
    expect((await agent(1).call(FIRST, "hold", {}, again)).callId).toBe(callId);
    held.push(callId);
  } finally {
    await Promise.all(held.map((callId) => agent(0).cancel(callId)));
    await apply("held", undefined);
    one.close();
    other.close();
  }
});

test("a webhook is told of calls of all shards", async () => {
  const body = { url: `http://127.0.0.1:${receiver.port}/ends`, secrets: ["main"] };
  await agent(0).documents.apply([{ kind: "webhook", name: "ends", body }]);
  const served = (await gather(agent(1).list({ health: "healthy" }))).map(({ name }) => name);
  const calls = await Promise.all(
    served.map((name) => agent(1).call(name, "add", { a: 1, b: 2 }, { webhook: "ends" })),
  );
  const ids = calls.map(({ callId }) => callId).sort();
  expect(new Set(ids.map((id) => id.replace(/\..*/, ""))).size).toBeGreaterThan(1);
  await until("all are told", () => receiver.messages.length >= ids.length);
  const told = receiver.messages.map(({ body }) => (JSON.parse(body) as { data: { callId: string } }).data.callId);
  expect([...new Set(told)].sort()).toEqual(ids);
});

test("what was done and refused is recorded in all shards, in order, and sealed", async () => {
  const [agent] = agents;
  await Promise.all(NAMES.map((name) => agent?.invoke(name, "echo", {}).catch(() => {})));
  const records = [];
  for await (const record of agent?.audit.query() ?? []) records.push(record);
  expect(new Set(records.map(({ id }) => id.split(".")[1])).size, "shards").toBeGreaterThan(1);
  const times = records.map(({ at }) => at.getTime());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  await until("they are sealed", async () => (await agent?.audit.verify())?.sealedUntil !== "");
  expect(await agent?.audit.verify()).toMatchObject({ faults: [] });
});

test("a node that disagrees about the shards does not start", async () => {
  const flags = { listen: "127.0.0.1:0", opsListen: "off", redisUrl: redis.url, logLevel: "silent", shards: 8 };
  const other = createNode(parseConfig({ env: {}, flags }));
  await expect(other.start()).rejects.toMatchObject({
    reason: "INVALID_CONFIG",
    message: expect.stringMatching(/has 16 shards .*would use 8.*TOOLGATE_SHARDS=16/),
  });
  await other.stop();
});

test("logins are counted, and uses of keys are kept", async () => {
  const connections = createConnections({
    redisUrl: redis.url,
    lockTtlMs: 5_000,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  try {
    await connections.start();
    const { client } = connections.command;
    const keyspace = createKeyspace(parseRegistryName("default", "registry"), 16);
    const attempts = new LoginAttempts(client, keyspace);
    const subject = { tenant: "default", user: "ann", host: "192.0.2.1" };
    expect(await attempts.count(subject)).toBe(0);
    await attempts.forgive(subject);
    const uses = new KeyUses(client, keyspace);
    await uses.note(["abc"]);
    expect((await uses.read(["abc"]))[0]).toBeGreaterThan(0);
    await uses.trim(new Set());
    expect(await uses.read(["abc"])).toEqual([0]);
  } finally {
    await connections.stop();
  }
});

test("every script that there is has run on this cluster", async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.stop({ graceMs: 0 })));
  const missing = () => [...scripts.defined].filter((name) => !scripts.ran.has(name));
  await until("the maintenance has run", () => {
    expect(missing()).toEqual([]);
    return true;
  });
});
