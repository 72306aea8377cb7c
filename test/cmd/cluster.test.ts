import { once } from "node:events";
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CallAborted, type Provider, serveToolset, ToolFailure, Type } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import type { Ended, Running, RunOptions } from "../support/start-program.js";
import { until } from "../support/until.js";
import { runToolgate, startToolgate } from "./run-toolgate.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let provider: Provider;
/** What the tool `hang` has seen. */
const hanging: { callId: string; stopped?: string }[] = [];
let counted = 0;

const any = Type.Object({});

beforeAll(async () => {
  redis = await privateRedis({ appendOnly: true });
  cluster = await startCluster({ redis, config: { pingIntervalMs: 500 } });
  provider = await serveToolset(
    {
      name: "demo",
      version: "1.0.0",
      title: "Demonstration",
      description: "Tools to try the command line with.",
      tags: ["demo", "math"],
      tools: {
        sum: {
          description: "Adds numbers.",
          payload: Type.Object({ values: Type.Array(Type.Number(), { description: "What to add." }) }),
          result: Type.Number(),
          run: ({ values }) => values.reduce((sum, value) => sum + value, 0),
        },
        count: { payload: any, run: () => ++counted },
        steps: {
          payload: any,
          run: async (_input, { emit }) => {
            for (let step = 1; step <= 3; step += 1) await emit({ step });
            return "walked";
          },
        },
        speak: {
          payload: any,
          run: () => ({
            content: [
              { type: "text", text: "one" },
              { type: "text", text: "two" },
            ],
          }),
        },
        fail: {
          payload: any,
          run: () => {
            throw new ToolFailure("DISK_FULL", "The disk is full.", { free: 0 });
          },
        },
        hang: {
          payload: any,
          run: (_input, { signal, callId }) =>
            new Promise((_resolve, reject) => {
              const seen: { callId: string; stopped?: string } = { callId };
              hanging.push(seen);
              signal.addEventListener("abort", () => {
                seen.stopped = signal.reason instanceof CallAborted ? signal.reason.reason : "?";
                reject(signal.reason);
              });
            }),
        },
      },
    },
    { nodes: cluster.nodes },
  );
  await until("the demonstration is healthy", async () => (await runJson(["get", "demo"])).healthy);
});

afterAll(async () => {
  await provider?.stop();
  await cluster?.stop();
  await redis?.stop();
});

/** Any of the nodes must do. */
let turn = 0;
const onCluster = (options: RunOptions = {}): RunOptions => {
  const address = cluster.addresses[turn++ % cluster.addresses.length] ?? "";
  return { ...options, env: { TOOLGATE_NODES: address, ...options.env } };
};
const run = (args: readonly string[], options?: RunOptions): Promise<Ended> => runToolgate(args, onCluster(options));
const start = (args: readonly string[]): Running => startToolgate(args, onCluster());

async function runJson(args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr, code } = await run([...args, "--json"]);
  if (code !== 0) throw new Error(`${args.join(" ")} is status ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("discovery", () => {
  test("list shows a table, and health by a word", async () => {
    const { code, stdout, stderr } = await run(["list"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^TOOLSET +VERSION +HEALTH +TOOLS +TAGS +DESCRIPTION$/m);
    expect(stdout).toMatch(/^demo +1\.0\.0 +healthy +6 +demo, math +Tools to try/m);
    expect(stdout).not.toContain("\u001b");
  });

  test("list --json is one document", async () => {
    const { stdout } = await run(["list", "--tag", "math", "--health", "healthy", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject([{ name: "demo", version: "1.0.0", healthy: true, toolCount: 6 }]);
    expect(JSON.parse((await run(["list", "--health", "unhealthy", "--json"])).stdout)).toEqual([]);
  });

  test("get shows epochs and what tools take", async () => {
    const { code, stdout } = await run(["get", "demo"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`digest: ${provider.digest}`);
    expect(stdout).toMatch(new RegExp(`^${provider.epoch} +1\\.0\\.0 +active +healthy`, "m"));
    expect(stdout).toMatch(/values +number\[\] +What to add\./);
  });

  test("get --tool shows its schemas in full", async () => {
    const { stdout } = await run(["get", "demo", "--tool", "sum"]);
    expect(stdout).toContain('"required": [');
    expect(await runJson(["get", "demo", "--tool", "sum"])).toMatchObject({ name: "sum", delivery: "once" });
  });

  test.each([
    [["get", "dmo"], "UNKNOWN_TOOLSET", "demo"],
    [["get", "demo", "--tool", "smu"], "UNKNOWN_TOOL", "sum"],
    [["call", "demo", "smu", "{}"], "UNKNOWN_TOOL", "sum"],
    [["calls", "follow", `0.${"A".repeat(22)}`], "UNKNOWN_CALL", ""],
    [["calls", "cancel", `0.${"A".repeat(22)}`], "UNKNOWN_CALL", ""],
  ])("toolgate %j is status 3, %s, with what is near", async (args, reason, near) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain(reason);
    expect(stderr).toContain(near);
  });

  test("search finds tools in spite of slips", async () => {
    const { stdout } = await run(["search", "add", "nubmers"]);
    expect(stdout).toMatch(/^demo +sum +healthy +Adds numbers\./m);
  });

  test("watch shows what is there, then what happens, until Ctrl-C", async () => {
    const watching = start(["watch", "watched", "--json"]);
    await watching.says(/"snapshot"/);
    const watched = await serveToolset(
      { name: "watched", version: "1.0.0", tools: { nothing: { payload: any, run: () => null } } },
      { nodes: cluster.nodes },
    );
    await watching.says(/"kind":"healthy"/);
    await watched.stop();
    watching.signal("SIGINT");
    const { code, stdout } = await watching.ended;
    expect(code).toBe(130);
    const kinds = jsonLines(stdout).flatMap(({ changes = [] }) =>
      (changes as { kind: string }[]).map(({ kind }) => kind),
    );
    expect(kinds.slice(0, 3)).toEqual(["registered", "activated", "healthy"]);
  });
});

describe("call", () => {
  test("takes the payload as an argument, and shows the result alone on stdout", async () => {
    expect(await run(["call", "demo", "sum", '{"values": [1, 2.5]}'])).toMatchObject({ code: 0, stdout: "3.5\n" });
  });

  test("takes pairs, whose types the tool's schema says", async () => {
    expect(await run(["call", "demo", "sum", "values=1", "values=2.5"])).toMatchObject({ code: 0, stdout: "3.5\n" });
    expect(await run(["call", "demo", "sum", "values:=[1]"])).toMatchObject({ code: 0, stdout: "1\n" });
    const { code, stdout, stderr } = await run(["call", "demo", "sum", "values=one"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain('values: the tool takes number there, and "one" is none');
    expect(await run(["call", "demo", "smu", "values=1"])).toMatchObject({ code: 3 });
  });

  test("--raw gives the result's bytes, and nothing else", async () => {
    expect(await run(["call", "demo", "steps", "--raw"])).toEqual({
      code: 0,
      signal: null,
      stdout: '"walked"',
      stderr: "",
    });
    const { code, stdout } = await run(["call", "demo", "fail", "--raw"]);
    expect({ code, stdout }).toEqual({ code: 6, stdout: "" });
  });

  test("of a tool that gives MCP content shows its text", async () => {
    expect(await run(["call", "demo", "speak"])).toMatchObject({ code: 0, stdout: "one\ntwo\n" });
    expect((await run(["call", "demo", "speak", "--raw"])).stdout).toContain('{"content":[');
  });

  test("takes the payload from stdin", async () => {
    expect(await run(["call", "demo", "sum"], { stdin: '{"values": [2, 3]}' })).toMatchObject({ stdout: "5\n" });
    expect(await run(["call", "demo", "sum", "-"], { stdin: '{"values": []}' })).toMatchObject({ stdout: "0\n" });
  });

  test("shows output as it comes on stderr", async () => {
    const { stdout, stderr } = await run(["call", "demo", "steps"]);
    expect(stdout).toBe('"walked"\n');
    expect(stderr.split("\n").slice(0, 3)).toEqual(['· {"step":1}', '· {"step":2}', '· {"step":3}']);
  });

  test("--json gives each event as a line, and nothing else", async () => {
    const { stdout, stderr } = await run(["call", "demo", "steps", "--json"]);
    expect(stderr).toBe("");
    expect(jsonLines(stdout)).toMatchObject([
      { kind: "delta", data: { step: 1 }, attempt: 1 },
      { kind: "delta", data: { step: 2 } },
      { kind: "delta", data: { step: 3 } },
      { kind: "terminal", terminal: { kind: "result", result: "walked" } },
    ]);
  });

  test("of a payload that does not fit is status 2, and names the place", async () => {
    const { code, stdout, stderr } = await run(["call", "demo", "sum", '{"values": "1"}']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("INVALID_PAYLOAD");
    expect(stderr).toContain("/values");
  });

  test("of a tool that fails is status 6, with the tool's own reason and details", async () => {
    const { code, stdout, stderr } = await run(["call", "demo", "fail", "{}", "--json"]);
    expect(code).toBe(6);
    expect(jsonLines(stdout)).toMatchObject([
      { kind: "terminal", terminal: { kind: "tool_error", reason: "DISK_FULL" } },
    ]);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { reason: "DISK_FULL", message: "The disk is full.", details: { free: 0 }, executed: "yes", exitCode: 6 },
    });
  });

  test("that takes too long is status 7", async () => {
    const { code, stderr } = await run(["call", "demo", "hang", "--timeout", "300ms"]);
    expect(code).toBe(7);
    expect(stderr).toContain("DEADLINE_EXCEEDED");
  });

  test("of another contract than expected is status 4", async () => {
    expect(await run(["call", "demo", "count", "--expect-digest", provider.digest])).toMatchObject({ code: 0 });
    const { code, stderr } = await run(["call", "demo", "count", "--expect-digest", "0".repeat(64)]);
    expect(code).toBe(4);
    expect(stderr).toContain("DIGEST_MISMATCH");
  });

  test("with the same ids runs the tool once; of another request it is status 4", async () => {
    const ids = ["--run-id", "r1", "--tool-call-id", "t1"];
    const first = await run(["call", "demo", "count", "{}", ...ids]);
    expect(await run(["call", "demo", "count", "{}", ...ids])).toMatchObject({ code: 0, stdout: first.stdout });
    expect(await run(["call", "demo", "sum", '{"values": []}', ...ids])).toMatchObject({ code: 4 });
  });

  test("is cancelled by Ctrl-C, which reaches the tool", async () => {
    const before = hanging.length;
    const calling = start(["call", "demo", "hang"]);
    await until("the tool runs", () => hanging.length > before);
    calling.signal("SIGINT");
    const { code, stderr } = await calling.ended;
    expect(code).toBe(130);
    expect(stderr).toContain("The call has ended: cancelled, the provider stopped it.");
    expect(hanging.at(-1)?.stopped).toBe("CANCELLED");
  });

  test("is cancelled by Ctrl-C also before its id is known", async () => {
    const [address = ""] = cluster.addresses;
    const sockets: Socket[] = [];
    const between = createServer((toCli) => {
      const toNode = connectSocket(Number(address.split(":")[1]), "127.0.0.1");
      sockets.push(toCli, toNode);
      toNode.pipe(toCli);
      toCli.on("data", (bytes: Buffer) => {
        if (bytes.includes("hang")) toNode.unpipe(toCli).pause(); // what the node answers to the call is kept back
        toNode.write(bytes);
      });
      for (const socket of [toCli, toNode]) socket.on("error", () => {});
    });
    between.listen(0, "127.0.0.1");
    await once(between, "listening");
    onTestFinished(() => {
      between.close();
      for (const socket of sockets) socket.destroy();
    });
    const { port } = between.address() as AddressInfo;
    const before = hanging.length;
    const calling = startToolgate(["call", "demo", "hang"], { env: { TOOLGATE_NODES: `127.0.0.1:${port}` } });
    await until("the tool runs", () => hanging.length > before);
    calling.signal("SIGINT");
    for (let i = 0; i < sockets.length; i += 2) sockets[i + 1]?.pipe(sockets[i] as Socket);
    const { code, stderr } = await calling.ended;
    expect(code).toBe(130);
    expect(stderr).toContain("The call has ended: cancelled, the provider stopped it.");
    expect(hanging.at(-1)?.stopped).toBe("CANCELLED");
  });

  test("--detach gives the call's id, to follow on any node", async () => {
    const { code, stdout } = await run(["call", "demo", "steps", "--detach"]);
    expect(code).toBe(0);
    const callId = stdout.trim();
    const all = await run(["calls", "follow", callId, "--json"]);
    expect(jsonLines(all.stdout)).toHaveLength(4);
    const [, second] = jsonLines(all.stdout);
    const rest = await run(["calls", "follow", callId, "--cursor", String(second?.cursor), "--json"]);
    expect(jsonLines(rest.stdout)).toMatchObject([{ data: { step: 3 } }, { kind: "terminal" }]);
  });

  test("that was detached is cancelled from elsewhere; whoever follows it is status 8", async () => {
    const { callId } = await runJson(["call", "demo", "hang", "--detach"]);
    const following = start(["calls", "follow", String(callId)]);
    await until("the tool runs", () => hanging.some((seen) => seen.callId === callId));
    expect(await run(["calls", "cancel", String(callId)])).toMatchObject({ code: 0 });
    const { code, stderr } = await following.ended;
    expect(code).toBe(8);
    expect(stderr).toContain("CANCELLED");
    expect((await run(["calls", "cancel", String(callId)])).stdout).toContain("The call has ended: cancelled.");
  });

  test("while no provider is healthy is status 5; with --wait it waits for one", async () => {
    const toolset = { name: "absent", version: "1.0.0", tools: { one: { payload: any, run: () => 1 } } };
    await (await serveToolset(toolset, { nodes: cluster.nodes })).stop();
    const refused = await run(["call", "absent", "one"]);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain("NO_HEALTHY_PROVIDER");
    const waiting = run(["call", "absent", "one", "--wait", "--timeout", "30s"]);
    const back = await serveToolset(toolset, { nodes: cluster.nodes });
    expect(await waiting).toMatchObject({ code: 0, stdout: "1\n" });
    await back.stop();
  });
});

describe("calls", () => {
  test("list shows those that have not ended, and get where one stands", async () => {
    const { callId } = await runJson(["call", "demo", "hang", "--detach"]);
    await until("the tool runs", () => hanging.some((seen) => seen.callId === callId));
    const { code, stdout } = await run(["calls", "list", "--toolset", "demo", "--tool", "hang", "--state", "claimed"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^CALL +TOOLSET +TOOL +STATE +TRY +SINCE +PROVIDER$/m);
    expect(stdout).toMatch(new RegExp(`^${callId} +demo +hang +claimed +1 +\\d+s `, "m"));
    expect(await runJson(["calls", "get", String(callId)])).toMatchObject({ callId, state: "claimed", attempt: 1 });
    expect((await run(["calls", "list", "--toolset", "absent"])).stderr).toContain("No such call is under way.");
    expect(await run(["--json", "calls", "list", "--state", "queued"])).toMatchObject({ code: 0, stdout: "[]\n" });

    expect((await run(["calls", "cancel", String(callId)])).code).toBe(0);
    await until("it has ended", async () => (await runJson(["calls", "get", String(callId)])).state === "ended");
    const ended = await run(["calls", "get", String(callId)]);
    expect(ended.stdout).toMatch(/^state +ended: cancelled$/m);
    expect(ended.stdout).toContain("CANCELLED");
    expect((await run(["calls", "list", "--toolset", "demo", "--tool", "hang"])).stdout).not.toContain(String(callId));
    const list = await run(["calls", "list", "--tool", "hang", "--outcome", "cancelled", "--since", "1h"]);
    expect(list.stdout).toMatch(new RegExp(`^${callId}\\s+demo\\s+hang\\s+cancelled\\s+CANCELLED\\s+1\\s`, "m"));
    expect((await run(["calls", "list", "--slower-than", "20h"])).stderr).toContain("No such call is listed.");
    expect(await run(["calls", "list", "--outcome", "fine"])).toMatchObject({ code: 2 });
    expect(await run(["calls", "list", "--outcome", "result", "--state", "queued"])).toMatchObject({ code: 2 });
  });
});

describe("operators", () => {
  test("unregister names the active epoch, or is refused with status 4", async () => {
    const passing = await serveToolset(
      { name: "passing", version: "1.0.0", tools: { one: { payload: any, run: () => 1 } } },
      { nodes: cluster.nodes },
    );
    await passing.stop();
    expect(await run(["unregister", "passing", "--epoch", String(passing.epoch - 1)])).toMatchObject({ code: 4 });
    expect(await run(["unregister", "passing", "--epoch", String(passing.epoch)])).toMatchObject({ code: 0 });
    expect(await run(["get", "passing"])).toMatchObject({ code: 3 });
  });

  test("promote lets a candidate take over at once", async () => {
    const tools = { one: { payload: any, run: () => 1 } };
    const first = await serveToolset(
      { name: "rolling", version: "1.0.0", tools },
      { nodes: cluster.nodes, maxInFlight: 100 },
    );
    await until("the first is healthy", async () => (await runJson(["get", "rolling"])).healthy);
    const second = await serveToolset(
      { name: "rolling", version: "1.1.0", tools },
      { nodes: cluster.nodes, maxInFlight: 1, activateAt: 1 },
    );
    expect(second.epochState).toBe("candidate");
    await until("it is promoted, once the candidate has answered a ping", async () => {
      const { code } = await run(["promote", "rolling", "--epoch", String(second.epoch)]);
      return code === 0;
    });
    expect(await runJson(["get", "rolling"])).toMatchObject({ version: "1.1.0", epoch: second.epoch });
    await Promise.all([first.stop(), second.stop()]);
  });

  test("doctor finds all well", async () => {
    const { code, stdout } = await runToolgate(["doctor", "--nodes", cluster.nodes, "--json"], {
      env: { REDIS_URL: redis.url },
    });
    const report = JSON.parse(stdout) as { ok: boolean; checks: { name: string; status: string }[] };
    expect(report.checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
    expect(report.checks.filter(({ name }) => name.startsWith("node "))).toHaveLength(3);
    expect(report.checks).toContainEqual(expect.objectContaining({ name: "Redis persistence", status: "ok" }));
    expect(report.checks).toContainEqual({
      name: "registry default",
      status: "ok",
      finding: expect.stringContaining("payloads up to 1 MiB, results up to 3 MiB, calls up to 600 s"),
    });
  });
});

test("whoever reads stdout may stop", async () => {
  const { code, stderr } = await run(["get", "demo"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
