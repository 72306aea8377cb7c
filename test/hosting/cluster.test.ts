import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Mount, mountMcpServer } from "../../src/hosting/mount.js";
import type { MountOptions } from "../../src/hosting/mount-options.js";
import { familyOf, listProcesses } from "../../src/hosting/process-tree.js";
import { type CallOptions, connect, rawJson, type Toolgate } from "../../src/index.js";
import { startToolgate } from "../cmd/run-toolgate.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { running } from "./running.js";

expectNoLeaks();

const bin = (name: string): string => fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));
const ODD = fileURLToPath(new URL("./fixtures/odd-server.mjs", import.meta.url));

let redis: TestRedis;
let cluster: Cluster;
let client: Toolgate;
let folder = "";

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, config: { pingIntervalMs: 500 } });
  client = await connect(cluster.nodes);
  folder = await realpath(await mkdtemp(join(tmpdir(), "toolgate-mount-")));
});

afterAll(async () => {
  await client?.close();
  await cluster?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

const open: Mount[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((mount) => mount.stop()));
});

const lines: string[] = [];
async function mount(
  name: string,
  command: string,
  args: readonly string[],
  more: Partial<MountOptions> = {},
): Promise<Mount> {
  const write = (_fields: object, message: string): void => void lines.push(message);
  const mounted = await mountMcpServer({
    name,
    command,
    args,
    nodes: cluster.nodes,
    log: { debug: () => {}, info: write, warn: write, error: write },
    ...more,
  });
  open.push(mounted);
  await untilHealthy(name);
  return mounted;
}

const untilHealthy = (name: string): Promise<unknown> =>
  until(`${name} is healthy`, async () => (await client.get(name)).healthy);

interface Answer {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
}

describe("the official filesystem server", () => {
  test("writes and reads through the cluster; schemas, titles and annotations are kept", async () => {
    await mount("files", bin("mcp-server-filesystem"), [folder], { idempotent: ["read_text_file"] });
    const toolset = await client.get("files");
    expect(toolset.version).toBe("0.2.0");
    const read = toolset.tools.find(({ name }) => name === "read_text_file");
    expect(read).toMatchObject({
      title: "Read Text File",
      delivery: "idempotent",
      annotations: { readOnlyHint: true },
      payload: { properties: { path: { type: "string" } }, required: ["path"] },
    });
    // Its own hint says that it is idempotent; the operator has not.
    const write = toolset.tools.find(({ name }) => name === "write_file");
    expect(write).toMatchObject({ delivery: "once", annotations: { idempotentHint: true } });

    const path = join(folder, "note.txt");
    await client.invoke("files", "write_file", { path, content: "through the cluster" });
    expect(await readFile(path, "utf8")).toBe("through the cluster");
    const answer = await client.invoke<Answer>("files", "read_text_file", { path });
    expect(answer.structuredContent).toEqual({ content: "through the cluster" });
  });

  test("refuses what is outside: a tool error with its words", async () => {
    await mount("guarded", bin("mcp-server-filesystem"), [folder]);
    await expect(client.invoke("guarded", "read_text_file", { path: "/etc/passwd" })).rejects.toMatchObject({
      kind: "tool_error",
      reason: "TOOL_ERROR",
      message: expect.stringContaining("Access denied"),
      executed: "yes",
    });
  });

  test("is not called with a payload that does not fit its own schema", async () => {
    await mount("checked", bin("mcp-server-filesystem"), [folder]);
    await expect(client.invoke("checked", "read_text_file", { path: 1 })).rejects.toMatchObject({
      reason: "INVALID_PAYLOAD",
      executed: "no",
    });
  });
});

describe("the official everything server", () => {
  test("reports progress as output, and gives every kind of content", async () => {
    await mount("everything", bin("mcp-server-everything"), []);
    const seen: unknown[] = [];
    const payload = { duration: 0.3, steps: 3 };
    await client.invoke("everything", "trigger-long-running-operation", payload, {
      onDelta: (data) => void seen.push(data),
    });
    expect(seen).toMatchObject([1, 2, 3].map((progress) => ({ progress, total: 3 })));
    const weather = await client.invoke<Answer>("everything", "get-structured-content", { location: "Chicago" });
    expect(weather.structuredContent).toHaveProperty("temperature");
    const image = await client.invoke<Answer>("everything", "get-tiny-image");
    expect(image.content.map(({ type }) => type)).toContain("image");
  });

  test("does not get the mount's environment", async () => {
    await mount("everything", bin("mcp-server-everything"), [], { env: { GIVEN: "yes" } });
    const answer = await client.invoke<Answer>("everything", "get-env");
    const variables = JSON.parse(answer.content[0]?.text ?? "{}") as Record<string, string>; // the tool's own answer
    expect(variables.GIVEN).toBe("yes");
    expect(
      Object.keys(variables).filter(
        (name) => !["GIVEN", "HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"].includes(name),
      ),
    ).toEqual([]);
  });
});

describe("a server that misbehaves", () => {
  test("gets the call's trace context, unprefixed, in _meta", async () => {
    await mount("odd", process.execPath, [ODD]);
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const received = async (options: CallOptions): Promise<unknown> => {
      const answer = await client.invoke<{ readonly _line: { params: { _meta: object } } }>("odd", "line", {}, options);
      return answer._line.params._meta;
    };
    expect(await received({ traceparent, tracestate: "vendor=1" })).toEqual({
      ...{ traceparent, tracestate: "vendor=1" },
      progressToken: expect.any(Number),
    });
    expect(await received({})).toEqual({ progressToken: expect.any(Number) });
  });

  test("is told when its call is cancelled", async () => {
    await mount("odd", process.execPath, [ODD]);
    const abort = new AbortController();
    const call = client.invoke("odd", "hang", {}, { signal: abort.signal });
    await until("the call hangs", () => lines.some((line) => line.includes("[odd] hanging")));
    abort.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await until("the server was told", () => lines.some((line) => line.includes("[odd] cancelled")));
  });

  test("and dies is out of routing until it is back, at the same epoch", async () => {
    const mounted = await mount("odd", process.execPath, [ODD], { random: () => 0 });
    const { epoch } = await client.get("odd");
    await expect(client.invoke("odd", "die")).rejects.toMatchObject({ kind: "tool_error", reason: "MCP_SERVER_DIED" });
    await until("it is out of routing", async () => !(await client.get("odd")).healthy);
    await until("it is back", () => mounted.state === "serving");
    expect(await client.invoke<Answer>("odd", "echo", { back: true }, { wait: true })).toMatchObject({
      content: [{ text: '{"back":true}' }],
    });
    expect((await client.get("odd")).epoch).toBe(epoch);
  });

  test("and hangs is started again; its calls end with that, long before their deadlines", async () => {
    await mount("hanging", process.execPath, [ODD], { patienceMs: 1_000, stopGraceMs: 300, random: () => 0.999 });
    const options = { timeoutMs: 600_000 };
    const calls = [client.invoke("hanging", "freeze", {}, options), client.invoke("hanging", "freeze", {}, options)];
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ status: "rejected", reason: { reason: "MCP_SERVER_DIED", executed: "yes" } });
    }
    expect(await client.invoke<Answer>("hanging", "echo", { back: true }, { wait: true })).toMatchObject({
      content: [{ text: '{"back":true}' }],
    });
  });

  test("and changes its tools gets new epochs, without a call failing", async () => {
    await mount("odd", process.execPath, [ODD]);
    const failures: unknown[] = [];
    let changing = true;
    const agents = Array.from({ length: 4 }, async () => {
      while (changing) await client.invoke("odd", "echo", {}).catch((error: unknown) => failures.push(error));
    });
    for (let tools = 16; tools < 19; tools += 1) {
      const { epoch } = await client.get("odd");
      await client.invoke("odd", "grow");
      await until("the new contract is active", async () => (await client.get("odd")).epoch !== epoch);
      expect((await client.get("odd")).tools.map(({ name }) => name)).toContain(`grown_${tools}`);
    }
    changing = false;
    await Promise.all(agents);
    expect(failures).toEqual([]);
  });
});

describe("a server whose version never moves", () => {
  const derived = { versionFromContract: true };

  test("is taken with other tools, and joined by its replicas; the old one cannot come back by itself", async () => {
    const old = await mount("moving", process.execPath, [ODD], derived);
    const replica = await mount("moving", process.execPath, [ODD], derived);
    expect(replica.registration).toEqual(old.registration);
    await mount("moving", process.execPath, [ODD], { ...derived, skip: ["grow"] });
    await until("the new one is active", async () => {
      await old.stop();
      await replica.stop();
      return (await client.get("moving")).version.includes("-c.2.");
    });
    await expect(mount("moving", process.execPath, [ODD], derived)).rejects.toMatchObject({
      reason: "CONTRACT_CONFLICT",
    });
    const third = await mount("moving", process.execPath, [ODD], { ...derived, skip: ["grow"] });
    expect(third.registration?.version).toContain("-c.2.");
  });
});

describe("a server whose tools are not all in order", () => {
  test("is mounted without those that are not, each named with its fault; one loses its result schema only", async () => {
    const mounted = await mount("partly", process.execPath, [ODD, "bad-schemas"]);
    const toolset = await client.get("partly");
    expect(toolset.tools.map(({ name, result }) => [name, result !== undefined])).toEqual([
      ["good", true],
      ["half", false],
      ["when", true],
    ]);
    expect(toolset.tools[0]?.meta).toEqual({
      _meta: { "example.com/tier": 2 },
      icons: [{ src: "https://example.com/i.png" }],
      annotations: { audience: ["user"] },
    });
    expect(mounted.registration?.tools).toEqual(["good", "when", "half"]);
    const skipped = new Map(mounted.registration?.skipped.map((part) => [part.name, part]));
    expect(skipped.get("half")).toMatchObject({ part: "result_schema", why: expect.stringContaining("/type") });
    for (let index = 0; index < 12; index += 1) {
      expect(skipped.get(`bad_${index}`)).toMatchObject({ part: "tool", why: expect.stringContaining(`bad_${index}`) });
    }
    expect(await client.invoke("partly", "half")).toEqual({
      content: [{ type: "text", text: "half" }],
      structuredContent: { a: 1 },
      isError: false,
    });
  });

  test("may give a time without its zone: a format says what a text means", async () => {
    await mount("naive", process.execPath, [ODD, "bad-schemas"]);
    expect(await client.invoke("naive", "when")).toMatchObject({ structuredContent: { a: "2026-01-02T03:04:05" } });
  });

  test("can be mounted by another replica, which joins the same epoch", async () => {
    const first = await mount("partly-twice", process.execPath, [ODD, "bad-schemas"]);
    const second = await mount("partly-twice", process.execPath, [ODD, "bad-schemas"]);
    expect(second.registration).toEqual(first.registration);
  });

  test("names them on the command line, too", async () => {
    const mounting = startToolgate([
      ...["mount", "--name", "partly-cli", "--nodes", cluster.nodes, "--json"],
      ...["--", process.execPath, ODD, "bad-schemas"],
    ]);
    await mounting.says(/"mounted"/);
    mounting.signal("SIGINT");
    const { stdout, stderr } = await mounting.ended;
    const said = JSON.parse(stdout.split("\n")[0] ?? "");
    expect(said).toMatchObject({ event: "mounted", tools: ["good", "when", "half"] });
    expect(said.skipped).toHaveLength(13);
    expect(said.skipped).toContainEqual({ name: "half", part: "result_schema", why: expect.any(String) });
    expect(stderr).toContain("The tool bad_0 is left out:");
  });

  test("counts them apart for people: a tool without its result schema is served", async () => {
    const mounting = startToolgate([
      ...["mount", "--name", "partly-told", "--nodes", cluster.nodes],
      ...["--", process.execPath, ODD, "bad-schemas"],
    ]);
    await mounting.says(/: 3 tools \(without 12 tools and 1 result schema, see above\)\. Ctrl-C ends it/);
    mounting.signal("SIGINT");
    await mounting.ended;
  });
});

test("an answer that is larger than the registry takes fails its call by the registry's limit", async () => {
  await mount("large", process.execPath, [ODD]);
  await expect(client.invoke("large", "huge", { bytes: 10_000_000 })).rejects.toMatchObject({
    reason: "OUTPUT_TOO_LARGE",
  });
  const { content } = await client.invoke<Answer>("large", "huge", { bytes: 1_000_000 });
  expect(content[0]?.text).toHaveLength(1_000_000);
});

test("numbers reach a mounted server and come back as they were written", async () => {
  await mount("numbers", process.execPath, [ODD]);
  const payload = '{"id":725653563933458433,"price":10.00,"e":1e2}';
  const there = await client.invoke("numbers", "line", rawJson(payload), { raw: true });
  expect(there.text).toContain(`"arguments":${payload}`);
  const result = '{"content":[],"structuredContent":{"id": 1234567890123456789, "price": 10.00},"isError":false}';
  const back = await client.invoke("numbers", "write", { line: `{"id":$,"result":${result}}` }, { raw: true });
  expect(back.text).toBe(result);
});

describe("toolgate mount", () => {
  test("serves until Ctrl-C, and leaves nothing running", async () => {
    const data = join(folder, "data");
    await mkdir(data, { recursive: true });
    await writeFile(join(data, "a.txt"), "A");
    const mounting = startToolgate([
      "mount",
      "--name",
      "cli-files",
      "--nodes",
      cluster.nodes,
      "--",
      bin("mcp-server-filesystem"),
      data,
    ]);
    await mounting.says(/cli-files 0\.2\.0 is mounted at epoch \d+: 14 tools/);
    const answer = await client.invoke<Answer>(
      "cli-files",
      "read_text_file",
      { path: join(data, "a.txt") },
      { wait: true },
    );
    expect(answer.content[0]?.text).toBe("A");
    const family = familyOf(mounting.pid, await listProcesses());
    expect(family.length).toBeGreaterThanOrEqual(2);
    mounting.signal("SIGINT");
    expect(await mounting.ended).toMatchObject({ code: 0, stderr: expect.stringContaining("cli-files is unmounted") });
    expect(await running(...family.map(({ pid }) => pid))).toEqual(family.map(() => false));
  });

  test("killed with SIGKILL leaves nothing running either", async () => {
    const mounting = startToolgate([
      "mount",
      "--name",
      "killed",
      "--nodes",
      cluster.nodes,
      "--json",
      "--",
      process.execPath,
      ODD,
      "stubborn",
    ]);
    await mounting.says(/"mounted"/);
    const family = familyOf(mounting.pid, await listProcesses()).map(({ pid }) => pid);
    expect(family.length).toBeGreaterThanOrEqual(3);
    mounting.signal("SIGKILL");
    await mounting.ended;
    await until("all of it is gone", async () => (await running(...family)).every((alive) => !alive));
  });

  test("of a contract that conflicts is status 4, and lists the differences", async () => {
    await mount("taken", process.execPath, [ODD]);
    const second = startToolgate([
      "mount",
      "--name",
      "taken",
      "--nodes",
      cluster.nodes,
      "--skip",
      "die",
      "--",
      process.execPath,
      ODD,
    ]);
    const { code, stderr } = await second.ended;
    expect(code).toBe(4);
    expect(stderr).toContain("CONTRACT_CONFLICT");
    expect(stderr).toContain("die");
  });
});
