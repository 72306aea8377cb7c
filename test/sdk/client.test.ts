import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CallEvent, connect, type Toolgate, ToolgateError, type WatchEvent } from "../../src/index.js";
import { expectNoLeaks } from "../support/leaks.js";
import { ScriptedNode } from "./scripted-gateway.js";

expectNoLeaks();

let nodes: ScriptedNode[] = [];
let client: Toolgate;

beforeEach(async () => {
  nodes = [await ScriptedNode.start(), await ScriptedNode.start()];
  client = await connect(nodes.map(({ address }) => address).join(", "));
});

afterEach(async () => {
  await client.close();
  for (const node of nodes) node.kill();
});

function sides(): { here: ScriptedNode; there: ScriptedNode } {
  const here = nodes.find(({ address }) => address === client.node);
  const there = nodes.find(({ address }) => address !== client.node);
  if (here === undefined || there === undefined) throw new Error("the client is nowhere");
  return { here, there };
}

/** Starts reading; the promise gives everything up to the end. */
async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

describe("connect", () => {
  test("names the addresses, the causes and the remedy when no node answers", async () => {
    const dead = await ScriptedNode.start();
    dead.kill();
    const error = await connect(dead.address, { connectTimeoutMs: 2000 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ToolgateError);
    expect(error).toMatchObject({ reason: "NODE_UNREACHABLE", executed: "no" });
    expect(String(error)).toContain(dead.address);
    expect(String(error)).toContain("ECONNREFUSED");
    expect(String(error)).toContain("toolgate serve");
  });

  test("finds the node that answers among those that do not", async () => {
    const dead = await ScriptedNode.start();
    dead.kill();
    for (let attempt = 0; attempt < 4; attempt++) {
      const found = await connect([dead.address, sides().here.address]);
      expect(found.node).toBe(sides().here.address);
      await found.close();
    }
  });

  test.each(["", " , ", "localhost", "http://localhost:80", "localhost:0", "localhost:99999", "a b:1"])(
    "refuses %j as an address",
    async (address) => {
      await expect(connect(address)).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
    },
  );

  test("can be given up", async () => {
    const reason = new Error("stop");
    await expect(connect("127.0.0.1:1", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const attempt = connect("127.0.0.1:1", { signal: abort.signal, connectTimeoutMs: 60_000 });
    abort.abort(reason);
    await expect(attempt).rejects.toBe(reason);
  });
});

describe("requests", () => {
  test("list reads page after page", async () => {
    const pages = [
      { toolsets: [{ name: "a", tags: ["x"] }, { name: "b" }], nextPageToken: "two" },
      { toolsets: [{ name: "c" }], stale: true },
    ];
    sides().here.script(
      "listToolsets",
      ({ pageToken }: { pageToken: string }) => pages[pageToken === "" ? 0 : 1] ?? {},
    );
    const toolsets = await collect(client.list({ tags: ["x"], health: "healthy" }));
    expect(toolsets.map(({ name, stale }) => [name, stale])).toEqual([
      ["a", false],
      ["b", false],
      ["c", true],
    ]);
    expect(sides().here.requests.all.map(({ request }) => request)).toMatchObject([
      { tags: ["x"], health: "HEALTH_FILTER_HEALTHY", pageToken: "" },
      { tags: ["x"], health: "HEALTH_FILTER_HEALTHY", pageToken: "two" },
    ]);
  });

  test("get gives schemas, health and times as values", async () => {
    const health = { healthy: true, lastPongMs: 1000, room: 16, liveUntilMs: 2000 };
    const tool = {
      name: "sum",
      payloadSchemaJson: json({ type: "object" }),
      resultSchemaJson: json(true),
      annotations: { readOnlyHint: true },
      delivery: "DELIVERY_MODE_IDEMPOTENT",
      timeoutMs: 500,
      metaJson: json({ icons: [] }),
    };
    sides().here.script("getToolset", () => ({
      contract: { name: "math", version: "1.0.0", tools: [tool, { name: "x", payloadSchemaJson: json(true) }] },
      digest: "d",
      epoch: 5,
      epochs: [{ epoch: 5, digest: "d", version: "1.0.0", state: "EPOCH_STATE_ACTIVE", registeredAtMs: 10, health }],
    }));
    const toolset = await client.get("math");
    expect(toolset).toMatchObject({ name: "math", epoch: 5, digest: "d", healthy: true, stale: false });
    expect(toolset.tools).toEqual([
      {
        name: "sum",
        title: "",
        description: "",
        tags: [],
        payload: { type: "object" },
        result: true,
        annotations: { readOnlyHint: true },
        delivery: "idempotent",
        timeoutMs: 500,
        meta: { icons: [] },
      },
      { name: "x", title: "", description: "", tags: [], payload: true, annotations: {}, delivery: "once" },
    ]);
    expect(toolset.epochs[0]?.health).toEqual({
      healthy: true,
      lastPong: new Date(1000),
      room: 16,
      liveUntil: new Date(2000),
    });
  });

  test("search, getCall and cancel read their answers", async () => {
    const { here } = sides();
    here.script("search", () => ({ hits: [{ toolset: "math", tool: "sum", score: 2 }, { toolset: "math" }] }));
    expect((await client.search("sum", { limit: 3 })).map(({ tool }) => tool)).toEqual(["sum", undefined]);
    here.script("getCall", () => ({ handle: { callId: "c", deadlineMs: 5 }, state: "CALL_STATE_CLAIMED", attempt: 1 }));
    expect(await client.getCall("c")).toMatchObject({
      callId: "c",
      state: "claimed",
      deadline: new Date(5),
      attempt: 1,
    });
    here.script("cancelCall", () => ({ state: "CALL_STATE_ENDED", terminal: { kind: "TERMINAL_KIND_NOT_EXECUTED" } }));
    expect(await client.cancel("c")).toMatchObject({ state: "ended", terminal: { kind: "not_executed" } });
  });

  test("a refusal is thrown as the node meant it", async () => {
    sides().here.script("getToolset", () => new ToolgateError("UNKNOWN_TOOLSET", "No toolset mth; near: math"));
    await expect(client.get("mth")).rejects.toMatchObject({
      reason: "UNKNOWN_TOOLSET",
      message: "No toolset mth; near: math",
      executed: "no",
    });
  });

  test("a stopping node has its requests answered by the other one", async () => {
    const { here, there } = sides();
    here.script("getToolset", () => new ToolgateError("NODE_DRAINING", "stopping"));
    there.script("getToolset", () => ({ contract: { name: "math" } }));
    expect((await client.get("math")).name).toBe("math");
    expect(client.node).toBe(there.address);
  });

  test("a node that dies with a call has it admitted by the other one, under the same ids", async () => {
    const { here, there } = sides();
    here.script("callTool", () => "silence");
    there.script("callTool", () => ({ handle: { callId: "c", epoch: 3 }, repeatedRequest: true }));
    const handle = client.call("math", "sum", { a: 1 });
    const first = await here.requests.next();
    here.kill();
    expect(await handle).toMatchObject({ callId: "c", epoch: 3, repeated: true });
    const { call } = first.request as { call: object };
    expect(await there.requests.next()).toEqual({ ...first, request: { call: { ...call, lostNodes: 1 } } });
  });

  test("whether a call ran stays unknown when its repeat is refused: the lost request may have been admitted", async () => {
    const { here, there } = sides();
    here.script("callTool", () => "silence");
    there.script("callTool", () => new ToolgateError("STORE_UNAVAILABLE", "Redis is away", { retryAfterMs: 70 }));
    const handle = client.call("math", "sum", { a: 1 });
    await here.requests.next();
    here.kill();
    const refused = { reason: "STORE_UNAVAILABLE", executed: "unknown", retryAfterMs: 70 };
    await expect(handle).rejects.toMatchObject(refused);
  });

  test("what cannot be repeated is not, once it was sent", async () => {
    const { here, there } = sides();
    here.script("unregister", () => "silence");
    const done = client.unregister("math", 4);
    expect(await here.requests.next()).toEqual({ method: "unregister", request: { name: "math", epoch: 4 } });
    here.kill();
    await expect(done).rejects.toMatchObject({ reason: "NODE_UNREACHABLE", executed: "unknown" });
    expect(there.requests.all).toHaveLength(0);
  });

  test("an abort rejects at once with its reason", async () => {
    sides().here.script("getToolset", () => "silence");
    const abort = new AbortController();
    const reason = new Error("enough");
    const answer = client.get("math", { signal: abort.signal });
    await sides().here.requests.next();
    abort.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });

  test("closing the client ends them", async () => {
    sides().here.script("getToolset", () => "silence");
    const answer = client.get("math");
    await sides().here.requests.next();
    await client.close();
    await expect(answer).rejects.toMatchObject({ reason: "CANCELLED" });
    await expect(client.get("math")).rejects.toMatchObject({ reason: "CANCELLED" });
  });
});

describe("follow", () => {
  const delta = (cursor: string) => ({ cursor, dataJson: json(`piece ${cursor}`), attempt: 1 });
  const terminal = {
    callId: "c",
    kind: "TERMINAL_KIND_RESULT",
    resultJson: json("end"),
    executed: "EXECUTED_YES",
  } as const;
  const shape = (events: CallEvent[]) =>
    events.map((event) => (event.kind === "delta" ? event.data : event.terminal.kind));

  test("goes on from the last piece on another node, and tells the end once", async () => {
    const { here, there } = sides();
    const events: CallEvent[] = [];
    const reading = (async () => {
      for await (const event of client.follow("c")) {
        events.push(event);
        if (event.kind === "delta" && event.cursor === "2") here.kill();
      }
    })();
    const first = await here.follows.next();
    expect(first.request).toEqual({ callId: "c", cursor: "" });
    first.send({ deltas: [delta("1"), delta("2")] });
    const second = await there.follows.next();
    expect(second.request).toEqual({ callId: "c", cursor: "2" });
    second.send({ deltas: [delta("2"), delta("3")] });
    second.send({ terminal });
    await reading;
    expect(shape(events)).toEqual(["piece 1", "piece 2", "piece 3", "result"]);
  });

  test("goes on when the node ends the stream, or is stopping", async () => {
    const { here, there } = sides();
    const reading = collect(client.follow("c", { cursor: "5" }));
    const first = await here.follows.next();
    expect(first.request.cursor).toBe("5");
    first.send({ deltas: [delta("6")] });
    first.end();
    const second = await there.follows.next();
    expect(second.request.cursor).toBe("6");
    second.fail(new ToolgateError("NODE_DRAINING", "stopping"));
    const third = await Promise.race([here.follows.next(), there.follows.next()]);
    third.send({ deltas: [delta("7")], terminal });
    expect(shape(await reading)).toEqual(["piece 6", "piece 7", "result"]);
  });

  test("goes on where it stood when it was read too slowly", async () => {
    const { here, there } = sides();
    const reading = collect(client.follow("c"));
    const first = await here.follows.next();
    first.send({ deltas: [delta("1")] });
    first.fail(new ToolgateError("LIMIT_EXCEEDED", "less than 256 KiB of the stream, and no message whole for 30 s"));
    const second = await Promise.race([here.follows.next(), there.follows.next()]);
    expect(second.request.cursor).toBe("1");
    second.send({ deltas: [delta("2")], terminal });
    expect(shape(await reading)).toEqual(["piece 1", "piece 2", "result"]);
  });

  test("throws what cannot be made up for", async () => {
    const reading = collect(client.follow("c"));
    (await sides().here.follows.next()).fail(new ToolgateError("UNKNOWN_CALL", "no such call"));
    await expect(reading).rejects.toMatchObject({ reason: "UNKNOWN_CALL" });
  });

  test("cancels the stream when its loop is left or its signal aborts", async () => {
    const { here } = sides();
    const left = (async () => {
      for await (const event of client.follow("c")) if (event.kind === "delta") break;
    })();
    const first = await here.follows.next();
    first.send({ deltas: [delta("1")] });
    await left;
    await first.cancelled;
    const abort = new AbortController();
    const reason = new Error("enough");
    const aborted = collect(client.follow("c", { signal: abort.signal }));
    const second = await here.follows.next();
    abort.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await second.cancelled;
  });
});

describe("watch", () => {
  test("gives a snapshot that comes in parts as one; what a lost stream had begun comes anew", async () => {
    const { here, there } = sides();
    const events: WatchEvent[] = [];
    const reading = (async () => {
      for await (const event of client.watch()) {
        events.push(event);
        if (event.revision === "2") return;
      }
    })();
    const first = await here.watches.next();
    first.send({ snapshot: { toolsets: [{ name: "a" }], more: true } });
    first.send({ snapshot: { toolsets: [{ name: "b" }], more: true } });
    here.kill();
    const second = await there.watches.next();
    expect(second.request.revision).toBe("");
    second.send({ snapshot: { toolsets: [{ name: "a" }], more: true } });
    second.send({ revision: "1", snapshot: { toolsets: [{ name: "c" }] } });
    second.send({ revision: "2", snapshot: { toolsets: [{ name: "d" }] } });
    await reading;
    const named = events.map((event) => event.kind === "snapshot" && event.toolsets.map(({ name }) => name));
    expect(named).toEqual([["a", "c"], ["d"]]);
  });

  test("starts with a snapshot, and goes on from its revision on another node", async () => {
    const { here, there } = sides();
    const abort = new AbortController();
    const events: WatchEvent[] = [];
    const reading = (async () => {
      for await (const event of client.watch({ toolsets: ["math"], signal: abort.signal })) {
        events.push(event);
        if (event.revision === "11") here.kill();
        if (event.revision === "12") abort.abort(new Error("seen enough"));
      }
    })();
    const first = await here.watches.next();
    expect(first.request).toEqual({ revision: "", toolsets: ["math"] });
    first.send({ revision: "10", snapshot: { toolsets: [{ name: "math" }] } });
    const change = {
      kind: "CHANGE_KIND_HEALTHY",
      toolset: "math",
      epoch: 3,
      atMs: 5,
      summary: { name: "math" },
    } as const;
    first.send({ revision: "11", changes: [change] });
    const second = await there.watches.next();
    expect(second.request).toEqual({ revision: "11", toolsets: ["math"] });
    second.send({ revision: "12", changes: [{ kind: "CHANGE_KIND_UNREGISTERED", toolset: "math", epoch: 3 }] });
    await expect(reading).rejects.toThrow("seen enough");
    expect(events.map(({ kind, revision }) => [kind, revision])).toEqual([
      ["snapshot", "10"],
      ["changes", "11"],
      ["changes", "12"],
    ]);
    const [, healthy, gone] = events;
    expect(healthy).toMatchObject({ changes: [{ kind: "healthy", at: new Date(5), summary: { name: "math" } }] });
    expect(gone?.kind === "changes" && gone.changes[0]).not.toHaveProperty("summary");
  });
});
