import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  connect,
  type Provider,
  rawJson,
  serveToolset,
  ToolCallError,
  ToolFailure,
  type Toolgate,
} from "../../src/index.js";
import { runToolgate } from "../cmd/run-toolgate.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";

/** Numbers that JavaScript changes, text with escapes, and white space, on their way from agent to tool and back. */

expectNoLeaks();

const EXACT = '{ "id": 725653563933458433, "n":1234567890123456789, "price": 10.00, "e": 1.50E+2, "s": "\\u0041\\/" }';
const COMPACT = '{"id":725653563933458433,"n":1234567890123456789,"price":10.00,"e":1.50E+2,"s":"\\u0041\\/"}';
const PRETTY = `{
  "id": 725653563933458433,
  "n": 1234567890123456789,
  "price": 10.00,
  "e": 1.50E+2,
  "s": "\\u0041\\/"
}
`;

let redis: TestRedis;
let cluster: Cluster;
let provider: Provider;
let client: Toolgate;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, nodes: 2, config: STEADY });
  provider = await serveToolset(
    {
      name: "exact",
      version: "1.0.0",
      tools: {
        echo: { payload: true, run: (_input, { payloadJson }) => rawJson(payloadJson) },
        say: {
          payload: true,
          run: async (_input, { payloadJson, emit }) => {
            await emit(rawJson(payloadJson));
            return { inner: [rawJson(payloadJson)], big: 12345678901234567890n };
          },
        },
        fail: {
          payload: true,
          run: (_input, { payloadJson }) => {
            throw new ToolFailure("NO_FUNDS", "broke", rawJson(payloadJson));
          },
        },
      },
    },
    { nodes: cluster.nodes },
  );
  client = await connect(cluster.addresses[1] ?? "", { integers: "bigint" });
  await until("it is healthy", async () => (await client.get("exact")).healthy);
});
afterAll(async () => {
  await client?.close();
  await provider?.stop();
  await cluster?.stop();
  await redis?.stop();
});

describe("an agent of the SDK", () => {
  test("gets a result as the bytes that the tool gave, and those are the bytes that it sent", async () => {
    expect((await client.invoke("exact", "echo", rawJson(EXACT), { raw: true })).text).toBe(EXACT);
    expect((await client.invoke("exact", "echo", Buffer.from(EXACT), { raw: true })).text).toBe(EXACT);
  });

  test("gets output, details and status so, too, on every way", async () => {
    const pieces: string[] = [];
    const onDelta = (data: { text: string }) => void pieces.push(data.text);
    const result = await client.invoke("exact", "say", rawJson(EXACT), { raw: true, onDelta });
    expect(pieces).toEqual([EXACT]);
    expect(result.text).toBe(`{"inner":[${EXACT}],"big":12345678901234567890}`);

    const { callId } = await client.call("exact", "say", rawJson(EXACT));
    const seen: string[] = [];
    for await (const event of client.follow(callId, { raw: true })) {
      if (event.kind === "delta") seen.push(event.data.text);
      else if (event.terminal.kind === "result") seen.push(event.terminal.result.text);
    }
    expect(seen).toEqual([EXACT, result.text]);
    const { terminal } = await client.getCall(callId, { raw: true });
    expect(terminal?.kind === "result" && terminal.result.text).toBe(result.text);
    const cancelled = await client.cancel(callId, { raw: true });
    expect(cancelled.terminal?.kind === "result" && cancelled.terminal.result.text).toBe(result.text);

    const failed: unknown = await client
      .invoke("exact", "fail", rawJson(EXACT), { raw: true })
      .catch((error: unknown) => error);
    expect(failed instanceof ToolCallError && String(failed.terminal.details)).toBe(EXACT);
  });

  test("may read and write big integers as bigints", async () => {
    const payload = { id: 725653563933458433n, small: 7, price: 10.5 };
    expect(await client.invoke("exact", "echo", payload)).toEqual(payload);
    await expect(client.invoke("exact", "fail", [-9007199254740993n])).rejects.toMatchObject({
      terminal: { details: [-9007199254740993n] },
    });
  });
});

describe("the command line", () => {
  const run = (...args: string[]) => runToolgate([...args, "--nodes", cluster.nodes]);

  test("prints a result with the numbers that the tool gave", async () => {
    const { stdout, code } = await run("call", "exact", "echo", EXACT);
    expect({ stdout, code }).toEqual({ stdout: PRETTY, code: 0 });
  });

  test("does so with --json, for output, results and details, when called and when followed", async () => {
    const said = await run("call", "exact", "say", EXACT, "--json");
    expect(said.stdout).toContain(`{"kind":"delta","data":${COMPACT},`);
    expect(said.stdout).toContain(`"result":{"inner":[${COMPACT}],"big":12345678901234567890}}`);
    const failed = await run("call", "exact", "fail", EXACT, "--json");
    expect(failed.stdout).toContain(`"details":${COMPACT}`);
    expect(failed.stderr).toContain(`"details":${COMPACT}`);
    const { callId } = await client.call("exact", "echo", rawJson(EXACT));
    expect((await run("calls", "follow", callId, "--json")).stdout).toContain(`"result":${COMPACT}}`);
    expect((await run("calls", "cancel", callId, "--json")).stdout).toContain(`"result":${COMPACT}}`);
    expect((await run("calls", "follow", callId)).stdout).toBe(PRETTY);
  });
});
