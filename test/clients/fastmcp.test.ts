import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, rawJson, type Toolgate } from "../../src/index.js";
import { startToolgate } from "../cmd/run-toolgate.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import type { Running } from "../support/start-program.js";
import { hasLanguage, pythonWith, SET_UP_MS } from "../support/toolchains.js";
import { until } from "../support/until.js";

expectNoLeaks();

const SERVER = fileURLToPath(new URL("./fixtures/fastmcp_server.py", import.meta.url));

describe.skipIf(!hasLanguage("python", "a FastMCP server"))("a FastMCP server under `toolgate mount`", () => {
  let redis: TestRedis;
  let cluster: Cluster;
  let client: Toolgate;
  let mount: Running;

  beforeAll(async () => {
    const python = await pythonWith("fastmcp", ["fastmcp==4.2.3"]);
    redis = await privateRedis();
    cluster = await startCluster({ redis, nodes: 2, config: { pingIntervalMs: 500 } });
    client = await connect(cluster.nodes);
    mount = startToolgate(["mount", "--name", "moments", "--nodes", cluster.nodes, "--", python, SERVER]);
    await until("it is healthy", async () => (await client.get("moments")).healthy, { withinMs: 60_000 });
  }, SET_UP_MS);

  afterAll(async () => {
    mount?.signal("SIGTERM");
    await mount?.ended;
    await client?.close();
    await cluster?.stop();
    await redis?.stop();
  });

  test("has all of its tools", async () => {
    const { tools } = await client.get("moments");
    expect(tools).toHaveLength(13);
    expect(tools.filter(({ result }) => result === undefined)).toEqual([]);
  });

  // The texts are the server's own, to the byte: FastMCP writes them, and nothing on the way writes them anew.
  test.each([
    ["naive_datetime", "{}", '{"result":"2024-02-29T12:30:15.123456"}'],
    ["aware_datetime", "{}", '{"result":"2024-02-29T12:30:15Z"}'],
    ["day", "{}", '{"result":"2024-02-29"}'],
    ["clock", "{}", '{"result":"12:30:15"}'],
    ["ago", "{}", '{"result":"-PT1H30M"}'],
    ["identifier", "{}", '{"result":"12345678-1234-5678-1234-567812345678"}'],
    ["price", "{}", '{"result":"10.00"}'],
    ["large", "{}", '{"result":725653563933458433}'],
    ["huge", "{}", '{"result":1267650600228229401496703205376}'],
    ["twice", '{"number": 725653563933458433}', '{"result":1451307127866916866}'],
    ["half", '{"amount": 10.02}', '{"result":"5.01"}'],
    ["half", '{"amount": "10.00"}', '{"result":"5.00"}'],
    ["later", '{"moment": "2024-02-29T12:30:15", "by": "-PT90M"}', '{"result":"2024-02-29T11:00:15"}'],
    ["record", "{}", '{"at":"2024-02-29T12:30:00","took":"-PT1S","number":9223372036854775808,"price":"0.07"}'],
  ])("%s of %s is what the server answers", async (tool, payload, structured) => {
    const { text } = await client.invoke("moments", tool, rawJson(payload), { raw: true });
    expect(text.replace(/\s/g, "")).toContain(`"structuredContent":${structured}`);
  });
});
