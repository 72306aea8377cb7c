import { appendFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { connect, defineTool, type Provider, serveToolset, ToolFailure, type Toolgate, Type } from "../../src/index.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import { createLogger, type RootLogger } from "../../src/observe/logger.js";
import { STEADY } from "../cluster/fast.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { runToolgate } from "./run-toolgate.js";

expectNoLeaks();

/** Stands in every secret and in everything that callers, tools and administrators say; nowhere else. */
const CANARY = "rambutan";
const canary = (what: string): string => `${CANARY}-${what}-0123456789`;

let redis: TestRedis;
let log: RootLogger;
let node: GatewayNode;
let admin: Toolgate;
let provider: Provider;
let folder: string;
let address: string;
let ops: string;
let key: string;
const logFile = (): string => join(folder, "node.log");

beforeAll(async () => {
  redis = await privateRedis();
  folder = await mkdtemp(join(tmpdir(), "toolgate-support-"));
  const file = { path: logFile(), maxBytes: 1_048_576, kept: 1 };
  log = createLogger({ level: "debug", fields: { node: "n-1" }, to: { write: () => {} }, file });
  const listens = { listen: "127.0.0.1:0", httpListen: "off", opsListen: "127.0.0.1:0", opsAuth: "required" };
  const flags = { ...STEADY, ...listens, nodeId: "n-1", audit: "calls" };
  // The user has no password in Redis, so that any will do.
  const redisUrl = redis.url.replace("redis://", `redis://default:${canary("redis-password")}@`);
  node = createNode(parseConfig({ env: {}, flags: { ...flags, redisUrl } }), { log });
  const started = await node.start();
  address = started.address;
  ops = started.opsAddress ?? "";
  const open = await connect(address);
  ({ key } = await open.access.createKey({ principal: "root", roles: ["admin"] }));
  await open.close();
  admin = await connect(address, { key });
  const tools = {
    say: defineTool({
      description: `Says ${canary("description")}.`,
      payload: Type.Object({ text: Type.String({ description: canary("schema") }) }),
      run: async (_input, context) => {
        await context.emit({ said: canary("output") });
        return { answer: canary("result") };
      },
    }),
    fail: defineTool({
      payload: Type.Object({}),
      run: () => {
        throw new ToolFailure("BROKEN", canary("failure"), { details: canary("details") });
      },
    }),
  };
  provider = await serveToolset({ name: "words", version: "1.0.0", tools }, { nodes: address, key });
  await until("the toolset can be called", async () => (await admin.get("words")).healthy);
  await admin.invoke("words", "say", { text: canary("payload") });
  await expect(admin.invoke("words", "fail", {})).rejects.toThrow();
  await expect(admin.invoke("words", "say", { text: 1, [canary("member")]: 1 } as never)).rejects.toThrow();
  await admin.documents.apply([
    { kind: "role", name: "quiet", body: { description: canary("document"), rules: [] } },
    { kind: "limit", name: "few", body: { per: "caller", concurrency: 7, match: { principals: [canary("pattern")] } } },
  ]);
});
afterAll(async () => {
  await provider?.stop({ graceMs: 0 });
  await admin?.close();
  await node?.stop();
  await log?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the command, and reads what it has written. */
async function support(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const output = join(folder, "bundle.zip");
  const asked = ["support", "-o", output, "--nodes", address, "--ops", ops, "--log-file", logFile(), ...args];
  const { code, stdout, stderr } = await runToolgate(asked, { env: { TOOLGATE_KEY: key, ...env } });
  const bytes = code === 0 ? await readFile(output) : Buffer.from("");
  const unzipped = code === 0 ? unzipSync(bytes) : {};
  const files = Object.fromEntries(Object.entries(unzipped).map(([name, content]) => [name, strFromU8(content)]));
  const json = (name: string) => JSON.parse(files[name] ?? "null");
  return { code, stdout, stderr, output, bytes, files, json };
}

const folderOf = (of: string): string => of.replace(/[^A-Za-z0-9.-]/g, "_");

test("has what is needed to find a fault, and no secret and no payload anywhere", async () => {
  const secrets = {
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${canary("collector")}`,
    OTHER_PASSWORD: canary('other"quoted"password'),
  };
  const said = [
    { event: "planted", payload: canary("line-payload"), nested: { token: canary("line-token") } },
    { event: "planted", message: `with ${secrets.OTHER_PASSWORD} and ${canary("collector")}` },
    { event: "planted", url: `https://user:${canary("url-password")}@host/`, key },
    { event: "planted", message: `sent Bearer ${canary("bearer")} to redis://x:${canary("redis-password")}@h` },
  ].map((line) => JSON.stringify({ level: "info", time: "2026-01-01T00:00:00.000Z", ...line }));
  await until("the log is written", async () => (await readFile(logFile(), "utf8")).includes("node_started"));
  await appendFile(logFile(), `${said.join("\n")}\nno JSON, ${canary("loose")}\n`);
  const redisUrl = redis.url.replace("redis://", `redis://default:${canary("redis-password")}@`);
  const { code, stderr, stdout, output, bytes, files, json } = await support(["--audit-records", "50"], {
    ...secrets,
    REDIS_URL: redisUrl,
  });
  expect({ code, missing: stderr.match(/^missing.*$/gm) }).toEqual({ code: 0, missing: null });
  expect(stdout).toMatch(/^audit\.json +\d+ +how often/m);
  expect((await stat(output)).mode & 0o777).toBe(0o600);

  for (const [name, text] of [...Object.entries(files), ["stderr", stderr], ["stdout", stdout]]) {
    expect(text, name).not.toContain(CANARY);
    expect(text, name).not.toContain(key);
  }
  expect(bytes.includes(CANARY)).toBe(false);

  const ofOps = `ops/${folderOf(ops)}`;
  expect(Object.keys(files).toSorted()).toEqual(
    [
      ...[
        "audit.json",
        "contents.json",
        "doctor.json",
        "documents.json",
        "log.ndjson",
        "toolsets.json",
        "versions.json",
      ],
      ...["config.json", "health.json", "log-level.txt", "metrics.txt"].map((name) => `${ofOps}/${name}`),
      `nodes/${folderOf(address)}/registry.json`,
    ].toSorted(),
  );
  expect(json("versions.json")).toMatchObject({ node: process.version, toolgate: expect.stringMatching(/^\d/) });
  expect(json("doctor.json").checks).toContainEqual(expect.objectContaining({ name: "Redis version", status: "ok" }));
  expect(json(`nodes/${folderOf(address)}/registry.json`)).toMatchObject({ name: "default", nodeId: "n-1" });
  const { settings } = json(`${ofOps}/config.json`);
  expect(settings).toContainEqual({ variable: "REDIS_URL", value: "[set]", isDefault: false });
  expect(settings).toContainEqual({ variable: "TOOLGATE_LOCK_REDIS_URLS", value: "", isDefault: true });
  expect(settings).toContainEqual({ variable: "TOOLGATE_OPS_AUTH", value: "required", isDefault: false });
  expect(json(`${ofOps}/health.json`)).toMatchObject({ status: "ok", parts: { redisAnswers: true } });
  expect(files[`${ofOps}/metrics.txt`]).toMatch(
    /^toolgate_calls_total\{toolset="words",tool="say",outcome="result"\} 1$/m,
  );
  expect(files[`${ofOps}/log-level.txt`]).toBe("debug\n");
  expect(json("toolsets.json")).toMatchObject([{ name: "words", version: "1.0.0", healthy: true, toolCount: 2 }]);
  expect(json("documents.json")).toContainEqual(
    expect.objectContaining({ kind: "role", name: "quiet", revision: expect.any(Number) }),
  );
  const { counts, latest, complete } = json("audit.json");
  expect(counts).toContainEqual({ event: "end", verb: "call", outcome: "tool_error", reason: "TOOL_ERROR", count: 1 });
  expect([complete, latest.length > 5]).toEqual([true, true]);
  const lines = (files["log.ndjson"] ?? "")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toContainEqual(expect.objectContaining({ level: "info", event: "node_started", node: "n-1" }));
  expect(lines.filter(({ event }) => event === "planted")).toHaveLength(said.length);
  expect(lines.filter(({ event }) => event === "[unreadable line]")).toHaveLength(1);
  expect(json("contents.json")).toMatchObject({ format: 1, missing: [] });
});

test("says what is missing where nodes are down, and has the rest", async () => {
  const { code, stdout, json } = await support(["--nodes", `127.0.0.1:1,${address}`, "--ops", "127.0.0.1:1", "--json"]);
  expect(code).toBe(0);
  const { missing, files } = JSON.parse(stdout);
  const names = (parts: readonly { readonly name: string }[]) => parts.map(({ name }) => name);
  expect(names(missing)).toEqual([
    "doctor.json: Redis",
    "nodes/127.0.0.1_1/registry.json",
    ...["health.json", "config.json", "metrics.txt", "log-level.txt"].map((name) => `ops/127.0.0.1_1/${name}`),
  ]);
  expect(missing.at(-1).why).toMatch(/^NODE_UNREACHABLE: .*ECONNREFUSED/);
  expect(names(files)).toContain("toolsets.json");
  expect(json("contents.json").missing).toEqual(missing);
  expect(json("doctor.json").ok).toBe(false);
});

test("without a credential it has what anybody may see, and is written all the same", async () => {
  const { code, stdout } = await support(["--json", "--log-file", join(folder, "none.log")], { TOOLGATE_KEY: "" });
  expect(code).toBe(0);
  const { missing, files } = JSON.parse(stdout);
  const why = Object.fromEntries(missing.map(({ name, why: text }: Record<string, string>) => [name, text]));
  expect(why[`ops/${folderOf(ops)}/config.json`]).toMatch(/^UNAUTHENTICATED/);
  expect(why["log.ndjson"]).toMatch(/ENOENT/);
  expect(files.map(({ name }: { readonly name: string }) => name)).toEqual(
    expect.arrayContaining(["versions.json", "doctor.json", "contents.json"]),
  );
});

test("a file that cannot be written is said before anything is asked", async () => {
  const { code, stderr } = await support(["-o", folder]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/INVALID_CONFIG/);
});

test("log-level shows and changes what a running node logs", async () => {
  const run = (...args: readonly string[]) =>
    runToolgate(["log-level", ...args, "--ops", ops, "--nodes", address], { env: { TOOLGATE_KEY: key } });
  expect(await run()).toMatchObject({ code: 0, stdout: "debug\n" });
  expect(await run("error", "--for", "10m", "--json")).toMatchObject({
    code: 0,
    stdout: `${JSON.stringify({ ops, level: "error", seconds: 600 })}\n`,
  });
  expect(log.level).toBe("error");
  expect(await run("debug")).toMatchObject({ code: 0, stdout: "debug\n" });
  expect(await run("loud")).toMatchObject({ code: 2 });
  expect(await run("--for", "10m")).toMatchObject({ code: 2, stderr: expect.stringContaining("--for") });
  const refused = await runToolgate(["log-level", "--ops", ops, "--nodes", address], { env: { TOOLGATE_KEY: "" } });
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining("UNAUTHENTICATED") });
  const away = await runToolgate(["log-level", "--ops", "127.0.0.1:1"]);
  expect(away).toMatchObject({ code: 5, stderr: expect.stringContaining("TOOLGATE_OPS_LISTEN") });
  const clear = await runToolgate(["log-level", "--ops", "192.0.2.1:7481"], { env: { TOOLGATE_KEY: key } });
  expect(clear).toMatchObject({ code: 2, stderr: expect.stringContaining("--insecure-key") });
});
