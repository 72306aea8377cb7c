import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ToolgateError } from "../../src/errors/toolgate-error.js";
import { connect, type Provider, serveToolset, ToolFailure, type Toolgate } from "../../src/index.js";
import type { CallHandle__Output } from "../../src/protocol/generated/toolgate/v1/CallHandle.js";
import type { ListDocumentsResponse__Output } from "../../src/protocol/generated/toolgate/v1/ListDocumentsResponse.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectKeysToExpire, expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import {
  callable,
  contractNamed,
  json,
  openAgentSession,
  provide,
  specOf,
  terminalOf,
  type Wire,
  wireTo,
} from "./wire.js";

/** Limit documents, and what they let four nodes admit together. */

expectNoLeaks();

const TIMEOUT_MS = 60_000;

/** With one shard the script that admits a call decides; with 16, callers and runs are mostly counted in another one than the call. */
describe.each([1, 16])("on %i shards", (shards) => {
  let redis: TestRedis;
  let cluster: Cluster;
  let wires: Wire[];
  beforeAll(async () => {
    redis = await privateRedis();
    cluster = await startCluster({
      redis,
      nodes: 4,
      config: { ...FAST, missedPings: 20, shards, maxTimeoutMs: TIMEOUT_MS },
    });
    wires = cluster.addresses.map((address) => wireTo(address));
  });
  afterAll(async () => {
    for (const wire of wires ?? []) wire.close();
    await cluster?.stop();
    await redis?.stop();
  });
  const wire = (index: number): Wire => wires[index % 4] as Wire; // there are four

  /** Puts a limit in force on every node until the test ends. */
  async function limit(name: string, body: object): Promise<void> {
    const ref = { kind: "limit", name };
    const apply = (bodyJson: Buffer) =>
      ask((cb) => wire(0).documents.applyDocuments({ changes: [{ ref, bodyJson }], reason: "a test" }, cb));
    await apply(json(body));
    onTestFinished(async () => {
      await apply(Buffer.alloc(0));
    });
    for (const { address, documents } of wires) {
      await until(`${address} knows the limit`, async () => {
        const page = await ask<ListDocumentsResponse__Output>((cb) => documents.listDocuments({}, cb));
        return page.documents.some((document) => document.ref?.name === name);
      });
    }
  }
  /** A toolset whose tools end at once: `well`, `badly`. */
  async function serve(name: string): Promise<Provider> {
    const tools = {
      well: { payload: true, run: () => "done" },
      badly: {
        payload: true,
        run: () => {
          throw new ToolFailure("NO_FILE", "no such file");
        },
      },
    } as const;
    const provider = await serveToolset({ name, version: "1.0.0", tools }, { nodes: cluster.nodes, maxInFlight: 500 });
    onTestFinished(() => provider.stop({ graceMs: 0 }));
    await callable(name, wires);
    return provider;
  }
  async function client(): Promise<Toolgate> {
    const toolgate = await connect(cluster.nodes);
    onTestFinished(() => toolgate.close());
    return toolgate;
  }
  const callTool = (at: Wire, spec: Parameters<typeof specOf>): Promise<CallHandle__Output> =>
    ask<{ handle: CallHandle__Output | null }>((cb) => at.gateway.callTool({ call: specOf(...spec) }, cb)).then(
      ({ handle }) => handle as CallHandle__Output,
    ); // an admitted call has one

  test("a rate is kept to the call by all nodes together, whoever asks for more", async () => {
    // So slow that also a busy machine asks for more.
    const everyMs = 200;
    const burst = 60;
    await serve("rated");
    const rate = { calls: 5, perMs: 5 * everyMs, burst };
    await limit("rated", { per: "caller", rate, match: { toolsets: ["rated"] } });
    const [seconds = 0, micros = 0] = (await redis.client().time()).map(Number);
    const beganMs = seconds * 1_000 + micros / 1_000;
    const admittedMs: number[] = [];
    const refused: { readonly error: ToolgateError; readonly fromMs: number; readonly toMs: number }[] = [];
    // Each node is asked for more than the rate by itself.
    const asking = async (index: number): Promise<void> => {
      while (admittedMs.length < burst + 12) {
        const fromMs = Date.now();
        try {
          const handle = await callTool(wire(index), ["rated", "well", { timeoutMs: TIMEOUT_MS }]);
          admittedMs.push(handle.deadlineMs - TIMEOUT_MS);
        } catch (error) {
          refused.push({ error: error as ToolgateError, fromMs, toMs: Date.now() });
          await new Promise((resolve) => setTimeout(resolve, 8));
        }
      }
    };
    await Promise.all(Array.from({ length: 32 }, (_, index) => asking(index)));
    admittedMs.sort((one, other) => one - other);
    // In no time more than its burst and what has come since; times are whole milliseconds.
    for (const [index, atMs] of admittedMs.entries())
      expect(index + 1).toBeLessThanOrEqual(burst + (atMs - beganMs + 1) / everyMs + 1);
    // No less either, however slowly the machine asks: what was refused was not to be had. Calls that are counted elsewhere first are on their
    // way for a while.
    const onTheirWay = shards === 1 ? 2 : 6;
    expect(refused.length).toBeGreaterThan(10);
    for (const { error, fromMs, toMs } of refused) {
      expect(leastLeft(admittedMs, burst, everyMs, fromMs, toMs)).toBeLessThan(1 + onTheirWay);
      expect(error).toMatchObject({
        reason: "RATE_LIMITED",
        executed: "no",
        metadata: { limit_document: "rated", limit: "5" },
      });
      expect(error.retryAfterMs).toBeGreaterThan(0);
    }
  });

  test("a refusal reaches a session and the SDK with all that it says, and is not asked for again", async () => {
    await serve("once");
    await limit("once", { per: "caller", rate: { calls: 1, perMs: 3_600_000 }, match: { toolsets: ["once"] } });
    const toolgate = await client();
    expect(await toolgate.invoke("once", "well", {})).toBe("done");
    const expected = { limit_document: "once", limit: "1", remaining: "0", reset_ms: expect.stringMatching(/^\d+$/) };
    await expect(toolgate.invoke("once", "well", {})).rejects.toMatchObject({
      reason: "RATE_LIMITED",
      executed: "no",
      retryAfterMs: expect.any(Number),
      metadata: expected,
    });
    const session = toolgate.session();
    await expect(session.invoke("once", "well", {})).rejects.toMatchObject({
      reason: "RATE_LIMITED",
      executed: "no",
      metadata: expected,
    });
    await session.close();
    const raw = openAgentSession(wire(2));
    raw.send({ calls: [{ ref: 1, call: specOf("once", "well") }] });
    const { error } = (await terminalOf(raw, 1)) ?? {};
    expect(error?.retryAfterMs).toBeGreaterThan(3_000_000);
  });

  test("a loop is stopped after so many failures of the same kind, budgets with what is left", async () => {
    await serve("looped");
    const match = { toolsets: ["looped"] };
    await limit("loops", { per: "run", loop: { failures: 4 }, total: 100, match });
    const toolgate = await client();
    const ends: string[] = [];
    for (let i = 0; i < 90; i++) {
      try {
        await toolgate.invoke("looped", "badly", { path: "a" }, { runId: "replayed", toolCallId: String(i) });
      } catch (error) {
        const { reason, metadata, executed } = error as ToolgateError;
        ends.push(reason);
        if (reason === "LOOP")
          expect({ metadata, executed }).toMatchObject({ metadata: { limit_document: "loops" }, executed: "no" });
      }
    }
    expect(ends).toEqual([...Array(4).fill("NO_FILE"), ...Array(86).fill("LOOP")]);
    // Other arguments, another run, and no run at all are no part of it.
    const badly = (input: unknown, more: object) => toolgate.invoke("looped", "badly", input, more);
    await expect(badly({ path: "b" }, { runId: "replayed" })).rejects.toMatchObject({ reason: "NO_FILE" });
    await expect(badly({ path: "a" }, { runId: "another" })).rejects.toMatchObject({ reason: "NO_FILE" });
  });

  test("a run's budget is spent by its calls and by no repeat, and is told with each refusal", async () => {
    await serve("spent");
    await limit("spent", { per: "run", total: 3, match: { toolsets: ["spent"] } });
    const toolgate = await client();
    const well = (toolCallId: string) => toolgate.invoke("spent", "well", {}, { runId: "poor", toolCallId });
    for (const id of ["1", "1", "2", "2", "1", "3", "3", "1"]) expect(await well(id)).toBe("done");
    await expect(well("4")).rejects.toMatchObject({ reason: "BUDGET_EXHAUSTED", metadata: { budget_left: "0" } });
    expect(await well("3")).toBe("done");
  });

  test("one that is over a limit is let in when it is time, comes to its calls again, and is in nobody's way", async () => {
    await serve("noisy");
    const toolgate = await client();
    const match = { toolsets: ["noisy"], tools: ["well"] };
    await limit("noisy", { per: "tool", rate: { calls: 1, perMs: 3_600_000 }, match });
    const well = (toolCallId?: string): Promise<unknown> =>
      toolgate.invoke("noisy", "well", {}, toolCallId === undefined ? {} : { runId: "noise", toolCallId });
    expect(await well("1")).toBe("done");
    const limited = { reason: "RATE_LIMITED", executed: "no", metadata: { limit_document: "noisy" } };
    await expect(well()).rejects.toMatchObject(limited);
    const ends = await Promise.allSettled(
      Array.from({ length: 30 }, (_, index) =>
        index % 3 === 0 ? toolgate.invoke("noisy", "badly", {}) : well(index % 3 === 1 ? "1" : undefined),
      ),
    );
    const expected = [{ reason: { reason: "NO_FILE" } }, { value: "done" }, { reason: limited }];
    for (const [index, end] of ends.entries()) expect(end).toMatchObject(expected[index % 3] ?? {});
    // Another document in its place: what was known of the former one holds nothing up.
    await limit("noisy", { per: "tool", rate: { calls: 1, perMs: 700 }, match });
    for (let round = 0; round < 2; round++) {
      const inMs = await until("it is over that limit", async () => {
        const refused: unknown = await well().catch((error: unknown) => error);
        const { retryAfterMs } = refused as Partial<ToolgateError>;
        return retryAfterMs !== undefined && retryAfterMs <= 700 && retryAfterMs;
      });
      const opensAtMs = performance.now() + inMs;
      await until("its time has come", () => performance.now() >= opensAtMs);
      expect(await well()).toBe("done");
    }
  });

  test("places of unfinished calls come back when nodes and providers are killed", async () => {
    await limit("places", { per: "caller", concurrency: 5, match: { toolsets: ["placed"] } });
    const most = { timeoutMs: TIMEOUT_MS };
    const provider = await provide(wire(0), wires, contractNamed("placed"));
    const held: CallHandle__Output[] = [];
    for (let i = 0; i < 5; i++) held.push(await callTool(wire(i), ["placed", "echo", most]));
    const sixth = (index: number) =>
      refusal((cb) => wire(index).gateway.callTool({ call: specOf("placed", "echo", most) }, cb));
    for (let i = 0; i < 4; i++)
      expect(await sixth(i)).toMatchObject({ reason: "RATE_LIMITED", metadata: { limit: "5" } });
    await provider.given(5);
    // The node that has the provider goes, and the provider with it: the calls end when their claims do.
    await cluster.kill(0);
    const others = wires.slice(1);
    await cluster.restart(0);
    const next = await provide(others[0] as Wire, wires, contractNamed("placed"));
    const placed: CallHandle__Output[] = [];
    await until("there are five places again", async () => {
      while (placed.length < 5)
        placed.push(await callTool(others[placed.length % 3] as Wire, ["placed", "echo", most]));
      return true;
    });
    expect(await sixth(1)).toMatchObject({ reason: "RATE_LIMITED" });
    for (const call of await next.given(5)) next.finish(call, 1);
    await until("the next one has a place", async () => {
      const handle = await callTool(wire(3), ["placed", "echo", most]);
      return handle.callId !== "";
    });
    await expectKeysToExpire(redis.client());
  });
});

/**
 * How many more calls a rate allowed, where it allowed the fewest between two times, in milliseconds.
 *
 * @param admittedMs when calls were admitted, in order
 */
function leastLeft(
  admittedMs: readonly number[],
  burst: number,
  everyMs: number,
  fromMs: number,
  toMs: number,
): number {
  // When all that was admitted will have been made up for.
  let fullMs = 0;
  const leftAt = (atMs: number): number => burst - Math.max(0, fullMs - atMs) / everyMs;
  let least: number | undefined;
  for (const atMs of admittedMs) {
    if (atMs > toMs) break;
    if (atMs >= fromMs) least = Math.min(least ?? leftAt(fromMs), leftAt(atMs));
    fullMs = Math.max(fullMs, atMs) + everyMs;
    if (atMs >= fromMs) least = Math.min(least ?? burst, leftAt(atMs));
  }
  return least ?? leftAt(fromMs);
}
