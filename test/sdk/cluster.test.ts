import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type CallEvent,
  connect,
  type Provider,
  type ProviderEvent,
  type ServeOptions,
  serveToolset,
  ToolFailure,
  type Toolgate,
  Type,
  type WatchEvent,
} from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { Inbox } from "./scripted-gateway.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let client: Toolgate;
let providers: Provider[] = [];
let clients: Toolgate[] = [];
let names = 0;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({
    redis,
    config: { pingIntervalMs: 500, leaseMs: 10_000, heartbeatMs: 500, drainGraceMs: 3000 },
  });
});
afterAll(async () => {
  await cluster.stop();
  await redis.stop();
});
beforeEach(async () => {
  client = await connect(cluster.nodes);
  clients = [client];
  providers = [];
});
afterEach(async () => {
  await Promise.all(providers.map((provider) => provider.stop({ graceMs: 100 })));
  await Promise.all(clients.map((each) => each.close()));
});

interface Gate {
  readonly callId: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly open: (value: unknown) => void;
}

/** A toolset with a name of its own, whose `gate` waits until the test opens it. */
async function serve(options: Partial<ServeOptions> = {}) {
  names += 1;
  const name = `math-${names}`;
  const gates = new Inbox<Gate>();
  const events = new Inbox<ProviderEvent>();
  const provider = await serveToolset(
    {
      name,
      version: "1.0.0",
      description: "Sums and such",
      tools: {
        sum: {
          description: "Adds two numbers",
          payload: Type.Object({ a: Type.Number(), b: Type.Number() }),
          result: Type.Number(),
          run: ({ a, b }) => a + b,
        },
        count: {
          payload: Type.Object({ to: Type.Integer() }),
          run: async ({ to }, { emit }) => {
            for (let step = 1; step <= to; step++) await emit({ step });
            return "done";
          },
        },
        fail: {
          payload: true,
          run: () => {
            throw new ToolFailure("NO_FUNDS", "broke", { cents: 0 });
          },
        },
        lose: {
          payload: true,
          run: () => {
            throw new ToolFailure("BANK_LOST", "it hung up", { cents: 1 }, { executed: "unknown" });
          },
        },
        wrong: { payload: true, result: Type.Unsafe<string>(Type.Number()), run: () => "no number" },
        gate: {
          payload: true,
          run: (_input, { callId, attempt, signal, emit }) =>
            new Promise((resolve, reject) => {
              signal.addEventListener("abort", () => reject(signal.reason), { once: true });
              void emit("begun").catch(() => {});
              gates.put({ callId, attempt, signal, open: resolve });
            }),
        },
      },
    },
    { nodes: cluster.nodes, onEvent: (event) => events.put(event), ...options },
  );
  providers.push(provider);
  await until(`${name} is healthy`, async () => (await client.get(name)).healthy);
  return { name, provider, gates, events };
}

async function another(index: number): Promise<Toolgate> {
  const made = await connect(cluster.addresses[index] ?? "");
  clients.push(made);
  return made;
}

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("a toolset that is served", () => {
  test("can be called at once, through any node", async () => {
    const others = await Promise.all(cluster.addresses.map((_, index) => another(index)));
    for (let turn = 1; turn <= 15; turn++) {
      const name = `at-once-${turn}`;
      const provider = await serveToolset(
        { name, version: "1.0.0", tools: { turn: { payload: true, run: () => turn } } },
        { nodes: cluster.nodes },
      );
      providers.push(provider);
      expect(await Promise.all(others.map((each) => each.invoke(name, "turn")))).toEqual([turn, turn, turn]);
    }
  });
});

describe("discovery", () => {
  test("finds what a provider serves", async () => {
    const { name, provider } = await serve();
    const toolset = await client.get(name);
    expect(toolset).toMatchObject({ name, version: "1.0.0", digest: provider.digest, epoch: provider.epoch });
    expect(toolset.tools.map((tool) => tool.name)).toEqual(["count", "fail", "gate", "lose", "sum", "wrong"]);
    const listed = await collect(client.list());
    expect(listed.map((each) => each.name)).toContain(name);
    const hits = await client.search("adds numbres");
    expect(hits).toContainEqual(expect.objectContaining({ toolset: name, tool: "sum" }));
    await expect(client.get(`${name}x`)).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET" });
  });

  test("watches changes as they come", async () => {
    const events = new Inbox<WatchEvent>();
    const abort = new AbortController();
    const watching = (async () => {
      for await (const event of client.watch({ signal: abort.signal })) events.put(event);
    })();
    expect((await events.next()).kind).toBe("snapshot");
    const { name } = await serve();
    const seen: string[] = [];
    while (!seen.includes("healthy")) {
      const event = await events.next();
      if (event.kind !== "changes") continue;
      seen.push(...event.changes.filter(({ toolset }) => toolset === name).map(({ kind }) => kind));
    }
    expect(seen).toContain("registered");
    abort.abort(new Error("seen"));
    await expect(watching).rejects.toThrow("seen");
  });
});

describe("calls", () => {
  test("end as the tool says", async () => {
    const { name } = await serve();
    expect(await client.invoke<number>(name, "sum", { a: 1, b: 2 })).toBe(3);
    await expect(client.invoke(name, "sum", { a: "1" })).rejects.toMatchObject({
      reason: "INVALID_PAYLOAD",
      executed: "no",
    });
    await expect(client.invoke(name, "fail")).rejects.toMatchObject({
      terminal: { kind: "tool_error", reason: "NO_FUNDS", message: "broke", details: { cents: 0 }, executed: "yes" },
    });
    const lost = { reason: "BANK_LOST", origin: "tool", message: "it hung up", details: { cents: 1 } };
    await expect(client.invoke(name, "lose")).rejects.toMatchObject({
      terminal: { kind: "outcome_unknown", executed: "unknown", ...lost },
    });
    await expect(client.invoke(name, "wrong")).rejects.toMatchObject({
      terminal: { kind: "tool_error", reason: "INVALID_RESULT" },
    });
    await expect(client.invoke(name, "smu")).rejects.toMatchObject({ reason: "UNKNOWN_TOOL" });
    await expect(client.invoke("nobody", "sum")).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET" });
  });

  test("many at once, through all nodes, each get their own result", async () => {
    const { name } = await serve();
    const all = await Promise.all([0, 1, 2].map(another));
    const sums = all.flatMap((each, from) =>
      Array.from({ length: 200 }, (_, index) => each.invoke<number>(name, "sum", { a: index, b: from * 1000 })),
    );
    const expected = [0, 1, 2].flatMap((from) => Array.from({ length: 200 }, (_, index) => index + from * 1000));
    expect(await Promise.all(sums)).toEqual(expected);
  });

  test("give their output in order, live", async () => {
    const { name } = await serve();
    for (let round = 0; round < 20; round++) {
      const live: unknown[] = [];
      expect(await client.invoke(name, "count", { to: 5 }, { onDelta: (data) => live.push(data) })).toBe("done");
      expect(live).toEqual([1, 2, 3, 4, 5].map((step) => ({ step })));
    }
  });

  test("give their output in order, afterwards, on any node", async () => {
    const { name } = await serve();
    const { callId } = await client.call(name, "count", { to: 5 });
    for (const index of [0, 1, 2]) {
      const events: CallEvent[] = await collect((await another(index)).follow(callId));
      const steps = events.slice(0, 5).map((event) => event.kind === "delta" && event.data);
      expect(steps).toEqual([1, 2, 3, 4, 5].map((step) => ({ step })));
      expect(events.at(-1)).toMatchObject({ kind: "terminal", terminal: { kind: "result", result: "done", callId } });
      expect(events).toHaveLength(6);
    }
  });

  test("with the same ids are one call", async () => {
    const { name, gates } = await serve();
    const ids = { runId: "run", toolCallId: name };
    const first = await client.call(name, "gate", 1, ids);
    const again = await (await another(1)).call(name, "gate", 1, ids);
    expect(again).toMatchObject({ callId: first.callId, repeated: true });
    const waiting = (await another(2)).invoke(name, "gate", 1, ids);
    (await gates.next()).open("once");
    expect(await waiting).toBe("once");
    expect(gates.all).toHaveLength(1);
    await expect(client.call(name, "gate", 2, ids)).rejects.toMatchObject({ reason: "CALL_CONFLICT" });
  });

  test("are cancelled by an abort, all the way to the tool's signal", async () => {
    const { name, gates } = await serve();
    const abort = new AbortController();
    const result = client.invoke(name, "gate", {}, { signal: abort.signal });
    const { signal, callId } = await gates.next();
    abort.abort(new Error("enough"));
    await expect(result).rejects.toThrow("enough");
    await until("the tool is told", () => signal.aborted);
    expect(signal.reason).toMatchObject({ reason: "CANCELLED" });
    const status = await until("the call has ended", async () => {
      const seen = await client.getCall(callId);
      return seen.state === "ended" ? seen : undefined;
    });
    expect(status.terminal).toMatchObject({ kind: "cancelled" });
  });

  test("are cancelled by id, on any node", async () => {
    const { name, gates } = await serve();
    const { callId } = await client.call(name, "gate");
    const { signal } = await gates.next();
    await (await another(2)).cancel(callId);
    await until("the tool is told", () => signal.aborted);
    expect((await collect(client.follow(callId))).at(-1)).toMatchObject({ terminal: { kind: "cancelled" } });
  });

  test("end at their deadline", async () => {
    const { name, gates } = await serve();
    const result = client.invoke(name, "gate", {}, { timeoutMs: 300 });
    const { signal } = await gates.next();
    await expect(result).rejects.toMatchObject({ terminal: { kind: "cancelled" } });
    expect(signal.reason).toMatchObject({ reason: "DEADLINE" });
  });

  test("fail at once without a healthy provider, and wait for one if they are told to", async () => {
    const { name, provider } = await serve();
    await provider.stop();
    await until("nobody is there", async () => !(await client.get(name)).healthy);
    await expect(client.invoke(name, "sum", { a: 1, b: 2 })).rejects.toMatchObject({
      reason: "NO_HEALTHY_PROVIDER",
      executed: "no",
    });
  });
});

describe("a killed node", () => {
  test("costs neither its agents nor its providers a call, and nothing runs twice", async () => {
    const { name, gates, provider, events } = await serve({ nodes: cluster.nodes });
    const live: unknown[] = [];
    const result = client.invoke(name, "gate", {}, { onDelta: (data) => live.push(data) });
    const gate = await gates.next();
    await until("the output is here", () => live.length > 0);
    const attached = events.all.findLast((event) => event.kind === "attached");
    const lost = new Set([client.node, attached?.kind === "attached" ? attached.address : ""]);
    for (const address of lost) await cluster.kill(cluster.addresses.indexOf(address));
    await until(
      "the provider is attached elsewhere",
      () => events.all.filter(({ kind }) => kind === "attached").length > 1,
    );
    gate.open("survived");
    expect(await result).toBe("survived");
    expect(live).toEqual(["begun"]);
    expect(gates.all).toHaveLength(1);
    expect(provider.epoch).toBe((await client.get(name)).epoch);
    for (const address of lost) await cluster.restart(cluster.addresses.indexOf(address));
  });

  test("costs a follower nothing", async () => {
    const { name, gates } = await serve();
    const { callId } = await client.call(name, "gate");
    const gate = await gates.next();
    const events: CallEvent[] = [];
    const following = (async () => {
      for await (const event of client.follow(callId)) events.push(event);
    })();
    await until("the output is here", () => events.length > 0);
    const lost = cluster.addresses.indexOf(client.node);
    await cluster.kill(lost);
    gate.open("end");
    await following;
    expect(events.map(({ kind }) => kind)).toEqual(["delta", "terminal"]);
    expect(events.at(-1)).toMatchObject({ terminal: { kind: "result", result: "end" } });
    await cluster.restart(lost);
  });
});

describe("a rolling restart of all nodes", () => {
  test("fails no call", async () => {
    const { name } = await serve();
    let isOver = false;
    let count = 0;
    const calling = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!isOver) {
          count += 1;
          expect(await client.invoke(name, "sum", { a: count, b: 0 }, { wait: true })).toEqual(expect.any(Number));
        }
      }),
    );
    for (const index of cluster.addresses.keys()) {
      const before = count;
      await cluster.restart(index);
      await until("calls go on", () => count > before + 20);
    }
    isOver = true;
    await calling;
  });
});

describe("a registry that lost everything", () => {
  test("gets its toolsets back by itself", async () => {
    const { name, provider, events } = await serve();
    const { epoch } = provider;
    await redis.flush();
    await until("it is registered again", () => events.all.filter(({ kind }) => kind === "registered").length > 1);
    await until("it is healthy", async () => (await client.get(name)).healthy);
    expect(provider.epoch).toBeGreaterThan(epoch);
    expect(await client.invoke(name, "sum", { a: 1, b: 2 })).toBe(3);
  });
});

describe("stopping a provider", () => {
  test("finishes what it has, and takes it out of routing first", async () => {
    const { name, gates, provider } = await serve();
    const result = client.invoke(name, "gate");
    const gate = await gates.next();
    const stopped = provider.stop();
    await until("it is out of routing", async () => !(await client.get(name)).healthy);
    gate.open("last");
    expect(await result).toBe("last");
    await stopped;
    expect(await provider.closed).toEqual({ kind: "stopped" });
  });

  test("by a later start under the same name", async () => {
    const { name, provider } = await serve({ providerId: "me" });
    const toolset = { name, version: "1.0.0", tools: { sum: { payload: true, run: () => 1 } } };
    await expect(serveToolset(toolset, { nodes: cluster.nodes })).rejects.toMatchObject({
      reason: "CONTRACT_CONFLICT",
    });
    names -= 1; // the very same toolset again
    await serve({ providerId: "me" });
    expect(await provider.closed).toEqual({ kind: "replaced" });
  });

  test("by an operator who unregisters its toolset", async () => {
    const { name, provider } = await serve();
    await expect(client.unregister(name, provider.epoch + 1)).rejects.toMatchObject({ reason: "EPOCH_MISMATCH" });
    await client.unregister(name, provider.epoch);
    expect(await provider.closed).toEqual({ kind: "unregistered" });
    await expect(client.get(name)).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET" });
  });
});
