import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CallPrinter } from "../../cmd/output/call-printer.js";
import type { Output } from "../../cmd/output/output.js";
import { connect, type JsonSchema, type Provider, rawJson, serveToolset, type Toolgate } from "../../src/index.js";
import { DOUBLES_WITH_DEPTH, nested } from "../schemas/hostile-schemas.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let agent: Toolgate;
let provider: Provider;
let runs = 0;

const any: JsonSchema = true;
const dated: JsonSchema = { properties: { at: { type: "string", format: "date-time" } } };

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, nodes: 2, config: STEADY });
  agent = await connect(cluster.nodes);
  provider = await serveToolset(
    {
      name: "costly",
      version: "1.0.0",
      tools: {
        takes: { payload: DOUBLES_WITH_DEPTH, run: () => ++runs },
        gives: { payload: any, result: DOUBLES_WITH_DEPTH, run: () => nested(60) },
        now: { payload: any, result: dated, run: () => ({ at: "2026-01-31T10:00:00" }) },
        big: { payload: { maximum: 2 ** 53 }, result: { multipleOf: 0.01 }, run: () => rawJson("19.990") },
      },
    },
    { nodes: cluster.nodes },
  );
  await until("it can be called", async () => (await agent.get("costly")).healthy);
});
afterAll(async () => {
  await agent?.close();
  await provider?.stop();
  await cluster?.stop();
  await redis?.stop();
});

describe("where no verdict can be had", () => {
  test("a payload is refused with a reason of its own, and the tool did not run", async () => {
    const expected = { reason: "PAYLOAD_TOO_COSTLY", executed: "no", retryAfterMs: undefined };
    await expect(agent.invoke("costly", "takes", nested(60))).rejects.toMatchObject(expected);
    // One that waits, as the other does: a busy machine needs longer for the work of a check than the SDK gives a node otherwise.
    const waits = { wait: true };
    await expect(agent.call("costly", "takes", nested(60), waits)).rejects.toMatchObject(expected);
    expect(runs).toBe(0);
    expect(await agent.invoke("costly", "takes", { no: 1 })).toBe(1);
  });

  test("a result is delivered, marked for every reader on every node", async () => {
    const unchecked: string[] = [];
    const onUnchecked = (callId: string): number => unchecked.push(callId);
    expect(await agent.invoke("costly", "gives", {}, { onUnchecked })).toEqual(nested(60));
    const [callId = ""] = unchecked;
    const expected = { kind: "result", executed: "yes", unchecked: true, result: nested(60) };
    const nodes = await Promise.all(cluster.addresses.map((address) => connect([address])));
    for (const node of nodes) {
      expect((await node.getCall(callId)).terminal).toMatchObject(expected);
      const events = [];
      for await (const event of node.follow(callId)) events.push(event);
      expect(events).toMatchObject([{ kind: "terminal", terminal: expected }]);
      expect((await node.cancel(callId)).terminal).toMatchObject(expected);
      await node.close();
    }
    const repeat = { runId: "run", toolCallId: "again", onUnchecked };
    for (let time = 0; time < 2; time++) expect(await agent.invoke("costly", "gives", {}, repeat)).toEqual(nested(60));
    expect([new Set(unchecked).size, unchecked.length]).toEqual([2, 3]);
  });

  test("a result that was checked is not marked", async () => {
    const unchecked: string[] = [];
    await agent.invoke("costly", "now", {}, { onUnchecked: (callId) => unchecked.push(callId) });
    const { callId } = await agent.call("costly", "now");
    for await (const event of agent.follow(callId)) {
      expect(event).toMatchObject({ kind: "terminal", terminal: { kind: "result", unchecked: false } });
    }
    expect(unchecked).toEqual([]);
  });

  test("the command line says so, to people on stderr and to programs in the terminal", () => {
    const said = { notes: [] as string[], texts: [] as string[], data: [] as unknown[] };
    const printer = (json: boolean) =>
      new CallPrinter(
        {
          json,
          note: (text: string) => json || said.notes.push(text),
          text: (text: string) => said.texts.push(text),
          jsonData: (value: unknown) => said.data.push(value),
        } as unknown as Output,
        false,
      ); // as much of an output as it uses for results
    const ending = { callId: "c", executed: "yes", attempt: 1, endedAt: new Date(0), kind: "result" } as const;
    const terminal = { ...ending, result: rawJson("1"), unchecked: true };
    printer(false).terminal(terminal);
    printer(false).terminal({ ...terminal, unchecked: false });
    printer(true).terminal(terminal);
    expect(said.notes).toEqual([expect.stringContaining("not checked")]);
    expect(said.data).toEqual([{ kind: "terminal", terminal }]);
  });
});

describe("what is usable is not refused", () => {
  test("a naive datetime, unless the contract asserts formats", async () => {
    expect(await agent.invoke("costly", "now", {})).toEqual({ at: "2026-01-31T10:00:00" });
    const strict = await serveToolset(
      {
        name: "strict",
        version: "1.0.0",
        assertFormats: true,
        tools: { now: { payload: dated, result: dated, run: () => ({ at: "2026-01-31T10:00:00" }) } },
      },
      { nodes: cluster.nodes },
    );
    await until("it can be called", async () => (await agent.get("strict")).healthy);
    expect([(await agent.get("strict")).assertFormats, (await agent.get("costly")).assertFormats]).toEqual([
      true,
      false,
    ]);
    await expect(agent.invoke("strict", "now", { at: "10:00" })).rejects.toMatchObject({ reason: "INVALID_PAYLOAD" });
    await expect(agent.invoke("strict", "now", {})).rejects.toMatchObject({ reason: "INVALID_RESULT" });
    await strict.stop();
  });

  test("a decimal that is a multiple of another; and what is checked is what is sent", async () => {
    expect(await agent.invoke("costly", "big", rawJson("9007199254740992"))).toBe(19.99);
    await expect(agent.invoke("costly", "big", rawJson("9007199254740993"))).rejects.toMatchObject({
      reason: "INVALID_PAYLOAD",
      violations: [{ description: "must be <= 9007199254740992" }],
    });
  });
});
