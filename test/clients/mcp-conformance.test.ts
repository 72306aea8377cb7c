import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { connect, type Toolgate } from "../../src/index.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import { STEADY } from "../cluster/fast.js";
import { startToolgate } from "../cmd/run-toolgate.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import type { Running } from "../support/start-program.js";
import { npmPackages, SET_UP_MS, unlessOffline } from "../support/toolchains.js";
import { until } from "../support/until.js";

expectNoLeaks();

const run = promisify(execFile);
const FIXTURES = fileURLToPath(new URL("./fixtures/mcp-conformance/", import.meta.url));
const WHAT = "the conformance suite of MCP";
/** The suite uses what came with Node 22; an older one gets a newer beside it. */
const OLDEST_NODE = 22;
const NEWER_NODE = "node@24";
/** What a revision requires, and what it does not: extensions and what came later, for which the suite has no file of expectations. */
const REVISIONS: readonly (readonly [revision: string, passesBesides: readonly string[]])[] = [
  ["2025-11-25", ["json-schema-2020-12"]],
  [
    "2026-07-28",
    [
      "tasks-lifecycle",
      "tasks-capability-negotiation",
      "tasks-wire-fields",
      "tasks-request-state-removal",
      "tasks-request-headers",
      "http-header-validation",
    ],
  ],
];
/** Longer than the tools that answer at once take, and less than those that are slow. */
const TASK_AFTER_MS = 300;

const isOld = Number.parseInt(process.versions.node, 10) < OLDEST_NODE;
const suite = await unlessOffline(WHAT, async () => {
  if (isOld) await run("npx", ["--yes", NEWER_NODE, "--version"], { timeout: SET_UP_MS });
  return join(await npmPackages(FIXTURES), "@modelcontextprotocol", "conformance", "dist", "index.js");
});

describe.skipIf(suite === undefined)("the conformance suite of MCP, of a mounted server through a node", () => {
  let redis: TestRedis;
  let node: GatewayNode;
  let client: Toolgate;
  let mount: Running;
  let url = "";

  beforeAll(async () => {
    redis = await privateRedis();
    const flags = { listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", redisUrl: redis.url, logLevel: "silent" };
    node = createNode(
      parseConfig({ env: {}, flags: { ...STEADY, ...flags, drainGraceMs: 500, mcpTaskAfterMs: TASK_AFTER_MS } }),
    );
    const { address, httpAddress } = await node.start();
    url = `http://${httpAddress}/mcp/t/conformance`;
    client = await connect(address);
    const server = ["--", process.execPath, join(FIXTURES, "server.mjs")];
    mount = startToolgate(["mount", "--name", "conformance", "--nodes", address, ...server]);
    await until("it is healthy", async () => (await client.get("conformance")).healthy);
  });
  afterAll(async () => {
    mount?.signal("SIGTERM");
    await mount?.ended;
    await client?.close();
    await node?.stop();
    await redis?.stop();
  });

  // What is expected to fail is in a file for each revision. The suite fails where anything else does, and where something of it passes.
  test.each(REVISIONS)("passes what %s requires, of what is served", async (revision, passesBesides) => {
    const expected = join(FIXTURES, `expected-failures-${revision}.yml`);
    const args = [suite ?? "", "server", "--url", url, "--requirements", revision, "--expected-failures", expected];
    const [program, before] = isOld ? ["npx", ["--yes", NEWER_NODE]] : [process.execPath, []];
    const { code, output } = await run(program, [...before, ...args], { maxBuffer: 2 ** 26 }).then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      (error: { readonly code: unknown; readonly stdout: string; readonly stderr: string }) => ({
        code: error.code,
        output: error.stdout + error.stderr,
      }),
    );
    expect({ code, output: code === 0 ? "" : output.slice(-6_000) }).toEqual({ code: 0, output: "" });
    const passed = new Set([...output.matchAll(/✓ ([\w-]+)/g)].map(([, scenario]) => scenario));
    for (const scenario of ["tools-call-with-progress", ...passesBesides]) expect(passed).toContain(scenario);
  });
});
