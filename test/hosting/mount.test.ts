import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { type Mount, mountMcpServer } from "../../src/hosting/mount.js";
import type { MountOptions } from "../../src/hosting/mount-options.js";
import { ToolgateError } from "../../src/index.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { RecordingRegistry } from "./fixtures/registry.js";
import { running } from "./running.js";

expectNoLeaks();

const ODD = fileURLToPath(new URL("./fixtures/odd-server.mjs", import.meta.url));
const open: Mount[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((mount) => mount.stop()));
});

interface Mounted {
  readonly mount: Mount;
  readonly registry: RecordingRegistry;
  readonly log: { readonly event: string; readonly message: string }[];
}

async function mountOdd(
  mode = "",
  more: Partial<MountOptions> = {},
  registry = new RecordingRegistry(),
): Promise<Mounted> {
  const log: { event: string; message: string }[] = [];
  const write = (fields: object, message: string): void => {
    log.push({ event: String((fields as { event?: unknown }).event), message });
  };
  const mount = await mountMcpServer({
    name: "odd",
    command: process.execPath,
    args: [ODD, mode],
    nodes: "127.0.0.1:1",
    stopGraceMs: 300,
    random: () => 0.999,
    log: { debug: () => {}, info: write, warn: write, error: write },
    serve: registry.serve,
    ...more,
  });
  open.push(mount);
  return { mount, registry, log };
}

describe("a mount", () => {
  test("registers what the server says of itself", async () => {
    const { registry, mount } = await mountOdd("odd-tools", { maxInFlight: 3, idempotent: ["echo"], tags: ["t"] });
    const { toolset, options } = registry.served[0] ?? {};
    expect(toolset).toMatchObject({
      name: "odd",
      version: "2026.8.31",
      title: "Odd tools",
      description: "Tools that misbehave.",
      tags: ["t"],
      tools: { echo: { idempotent: true }, hang: { idempotent: false, annotations: { idempotentHint: true } } },
    });
    expect(options).toMatchObject({ maxInFlight: 3, replace: false, nodes: "127.0.0.1:1" });
    expect(mount.registration?.skipped.map(({ name }) => name)).toEqual([".hidden", "echo", "bare", "#20", "tasky"]);
    expect(mount.state).toBe("serving");
  });

  test("takes a server that says nothing of itself", async () => {
    const { registry, log } = await mountOdd("sparse");
    expect(registry.served[0]?.toolset).toMatchObject({ version: "0.0.0", description: "Tools of an MCP server." });
    expect(log.find(({ event }) => event === "server_fault")?.message).toContain("answers with revision 1.0 of MCP");
  });

  test("serves what is left when the registry leaves something out, and says what and why", async () => {
    const registry = new RecordingRegistry();
    const violation = { field: "/tools/fail/payload_schema/type", description: "must be a type of JSON" };
    registry.skips = [
      { tool: "fail", resultSchemaOnly: false, violations: [violation] },
      { tool: "echo", resultSchemaOnly: true, violations: [{ ...violation, field: "/tools/echo/result_schema/type" }] },
    ];
    const { mount, log } = await mountOdd("", {}, registry);
    expect(registry.served[0]?.options.skipInvalid).toBe(true);
    expect(mount.registration?.tools).toContain("echo");
    expect(mount.registration?.tools).not.toContain("fail");
    expect(mount.registration?.skipped).toEqual([
      { name: "fail", part: "tool", why: "/tools/fail/payload_schema/type must be a type of JSON" },
      { name: "echo", part: "result_schema", why: "/tools/echo/result_schema/type must be a type of JSON" },
    ]);
    const told = (): string[] => log.filter(({ event }) => event === "tool_skipped").map(({ message }) => message);
    expect(told()).toEqual([
      "The tool fail is left out: /tools/fail/payload_schema/type must be a type of JSON.",
      "The result schema of the tool echo is left out: /tools/echo/result_schema/type must be a type of JSON.",
    ]);
    // The same again, when the server is back: neither another contract nor news.
    await expect(registry.run("die", {})).rejects.toThrow();
    await until("it is registered again", () => registry.served.length === 2);
    expect(registry.served[1]?.options.replace).toBe(false);
    expect(told()).toHaveLength(2);
  });

  test("gives the server's answers, failures and progress to the call", async () => {
    const { registry } = await mountOdd();
    expect(await registry.run("echo", { a: 1 })).toEqual({ content: [{ type: "text", text: '{"a":1}' }] });
    await expect(registry.run("fail", {})).rejects.toMatchObject({ reason: "TOOL_ERROR", message: "the disk is full" });
    await expect(registry.run("refuse", {})).rejects.toMatchObject({
      reason: "MCP_ERROR",
      message: "path is required",
      details: { code: -32_602, data: { path: "/path" } },
    });
    const deltas: unknown[] = [];
    await registry.run("progress", { steps: 3 }, { emit: async (delta) => void deltas.push(delta) });
    expect(deltas).toEqual([1, 2, 3].map((step) => ({ progress: step, total: 3, message: `step ${step}` })));
  });

  test.each([
    ['{"jsonrpc":"2.0","id":$,"result":[]}', "its result is an array, not an object"],
    ['{"jsonrpc":"2.0","id":$,"result":"done"}', "its result is a string, not an object"],
    ['{"jsonrpc":"2.0","id":$}', "it has neither a result nor an error"],
    ['{"jsonrpc":"2.0","id":$,"result":{"content":[NaN]}}', "it is not JSON"],
  ])("ends the call whose answer is none, and says what is wrong with it: %s", async (line, why) => {
    const { registry } = await mountOdd();
    await expect(registry.run("write", { line })).rejects.toMatchObject({
      reason: "MCP_INVALID_ANSWER",
      message: expect.stringContaining(why),
    });
  });

  test("hands numbers on as they were written, to the server and back", async () => {
    const { registry } = await mountOdd();
    const payload = '{"id":725653563933458433,"price":10.00,"tiny":1E-7}';
    expect(await registry.runRaw("line", payload)).toContain(`"arguments":${payload}`);
    const result = '{"content":[],"structuredContent":{"id": 1234567890123456789, "price": 10.00},"isError":false}';
    const line = JSON.stringify(`{"id":$,"result":${result}}`);
    expect(await registry.runRaw("write", `{"line":${line}}`)).toBe(result);
    const failed = JSON.stringify('{"id":$,"error":{"code":1,"message":"no","data":{"id":725653563933458433}}}');
    const failure: unknown = await registry.runRaw("write", `{"line":${failed}}`).catch((error: unknown) => error);
    expect(failure).toMatchObject({ details: { text: '{"code":1,"data":{"id":725653563933458433}}' } });
  });

  test("takes null in an answer for absence", async () => {
    const { registry } = await mountOdd();
    const line = '{"id":$,"result":{"content":[],"structuredContent":null,"_meta":null},"error":null}';
    expect(await registry.run("write", { line })).toEqual({ content: [] });
    await expect(registry.run("write", { line: '{"id":$,"error":{"message":null}}' })).rejects.toMatchObject({
      reason: "MCP_ERROR",
      message: "The MCP server refused without a message.",
    });
  });

  test("stopped, has stopped the provider and ended the server", async () => {
    const { mount, registry } = await mountOdd();
    const group = mount.group ?? 0;
    await Promise.all([mount.stop(), mount.stop()]);
    expect(registry.served[0]?.stopped).toBe(true);
    expect(await running(group)).toEqual([false]);
    expect(await mount.closed).toEqual({ kind: "stopped" });
    expect(mount.state).toBe("stopped");
  });

  test("that the registry has given to others ends, and its server with it", async () => {
    const { mount, registry } = await mountOdd();
    const group = mount.group ?? 0;
    registry.served[0]?.close({ kind: "retired" });
    expect(await mount.closed).toEqual({ kind: "retired" });
    expect(await running(group)).toEqual([false]);
  });
});

describe("when the server dies", () => {
  test("its call fails with MCP_SERVER_DIED, its provider stops, and another is registered when it is back", async () => {
    const { mount, registry, log } = await mountOdd("", { replace: true });
    const died = registry.run("die", {});
    await expect(died).rejects.toMatchObject({ reason: "MCP_SERVER_DIED" });
    await until("it is registered again", () => registry.served.length === 2);
    expect(registry.served[0]?.stopped).toBe(true);
    // The same contract: it joins its epoch, and takes nothing back from a newer one.
    expect(registry.served[1]?.options.replace).toBe(false);
    await until("it serves", () => mount.state === "serving");
    expect(await registry.run("echo", {})).toBeDefined();
    expect(log.map(({ event }) => event)).toEqual(expect.arrayContaining(["server_died", "server_restarted"]));
  });

  test("because it hangs: it is ended, its call fails with that, and it is started again", async () => {
    const { mount, registry, log } = await mountOdd("", { patienceMs: 1_000 });
    await expect(registry.run("freeze", {})).rejects.toMatchObject({
      reason: "MCP_SERVER_DIED",
      message: expect.stringMatching(
        /was ended, since it had answered nothing for 1 s; the tool may have taken effect/,
      ),
    });
    await until("it is registered again", () => registry.served.length === 2);
    await until("it serves", () => mount.state === "serving");
    expect(log.map(({ event }) => event)).toEqual(expect.arrayContaining(["server_hung", "server_died"]));
  });

  test("a call that was not sent yet waits for the next one", async () => {
    const { registry } = await mountOdd();
    await expect(registry.run("die", {})).rejects.toMatchObject({ reason: "MCP_SERVER_DIED" });
    expect(await registry.run("echo", {})).toBeDefined();
  });

  test("an idempotent call is made again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "toolgate-mount-"));
    const { registry } = await mountOdd(join(folder, "died"), { idempotent: "all" });
    expect(await registry.run("die_once", {})).toMatchObject({ content: [{ text: "survived" }] });
    await rm(folder, { recursive: true });
  });

  test("an idempotent call that kills it each time fails in the end", async () => {
    const { registry } = await mountOdd("", { idempotent: "all" });
    await expect(registry.run("die", {})).rejects.toMatchObject({ reason: "MCP_SERVER_DIED" });
  });

  test("and the registry refuses the contract for good, the mount ends with that error", async () => {
    const { mount, registry } = await mountOdd();
    registry.refuseWith = new ToolgateError("CONTRACT_CONFLICT", "a newer one is there");
    await expect(registry.run("die", {})).rejects.toThrow();
    expect(await mount.closed).toMatchObject({ kind: "failed", error: { reason: "CONTRACT_CONFLICT" } });
  });

  test("and lists no tool that can be registered then, the mount says so and tries again", async () => {
    const { mount, registry, log } = await mountOdd();
    registry.refuseWith = new ToolgateError("INVALID_SCHEMA", "no tool is left");
    await expect(registry.run("die", {})).rejects.toThrow();
    await until("it is registered again", () => registry.served.length === 2);
    await until("it serves", () => mount.state === "serving");
    expect(log).toContainEqual({ event: "restart_failed", message: "no tool is left" });
  });

  test("and the registry is away, the mount tries again", async () => {
    const { registry } = await mountOdd();
    registry.refuseWith = new ToolgateError("STORE_UNAVAILABLE", "Redis is away");
    await expect(registry.run("die", {})).rejects.toThrow();
    await until("it is registered again", () => registry.served.length === 2);
  });

  test("and the mount is stopped meanwhile, it ends at once", async () => {
    const { mount, registry } = await mountOdd("", { random: () => 0 });
    await expect(registry.run("die", {})).rejects.toThrow();
    await until("it restarts", () => mount.state === "restarting");
    await mount.stop();
    expect(await mount.closed).toEqual({ kind: "stopped" });
  });
});

describe("with a version that follows from the contract", () => {
  /** A registry that knows under which versions the toolset was served. */
  async function mountDerived(registry: RecordingRegistry, more: Partial<MountOptions> = {}): Promise<Mounted> {
    const registered = async (): Promise<string[]> => registry.served.slice(-1).map(({ toolset }) => toolset.version);
    return await mountOdd("", { versionFromContract: true, registered, ...more }, registry);
  }

  test("replicas and restarts have the same; changed tools have a higher one", async () => {
    const registry = new RecordingRegistry();
    const { mount } = await mountDerived(registry);
    await mountDerived(registry);
    const [first, second] = registry.served.map(({ toolset }) => toolset.version);
    expect(first).toMatch(/^2026\.8\.31-c\.1\.x[0-9a-f]{10}$/);
    expect(second).toBe(first);
    await mount.stop();
    await registry.run("grow", {});
    await until("the change is registered", () => registry.served.length === 3);
    expect(registry.served[2]?.toolset.version).toMatch(/^2026\.8\.31-c\.2\.x[0-9a-f]{20}$/);
  });

  test("an old replica that starts again is refused, unless it is to replace", async () => {
    const registry = new RecordingRegistry();
    await mountDerived(registry);
    await mountDerived(registry, { skip: ["die"] });
    await expect(mountDerived(registry)).rejects.toMatchObject({
      reason: "CONTRACT_CONFLICT",
      message: expect.stringContaining('was registered as "odd" before'),
    });
    const { mount } = await mountDerived(registry, { replace: true });
    expect(mount.registration?.version).toContain("-c.3.x");
  });

  test("where another mount is faster, it is derived again", async () => {
    const registry = new RecordingRegistry();
    registry.refuseWith = new ToolgateError("CONTRACT_CONFLICT", "another contract is there");
    expect((await mountDerived(registry)).mount.state).toBe("serving");
  });
});

describe("when the server changes its tools", () => {
  test("they are registered as a new contract, which replaces the former", async () => {
    const { mount, registry } = await mountOdd();
    await registry.run("grow", {});
    await until("it is registered again", () => mount.registration?.epoch === 2);
    expect(registry.served[1]?.options.replace).toBe(true);
    expect(mount.registration?.tools).toContain("grown_16");
    await until("the former provider has stopped", () => registry.served[0]?.stopped);
  });

  test("but not those that it serves, nothing is registered", async () => {
    const { registry, log } = await mountOdd("", { only: ["grow", "echo"] });
    await registry.run("grow", {});
    await registry.run("echo", {});
    expect(registry.served).toHaveLength(1);
    expect(log.map(({ event }) => event)).not.toContain("tools_changed");
  });

  test("again and again, few contracts are registered, and the last of them has all", async () => {
    const { mount, registry } = await mountOdd();
    await registry.run("storm", { changes: 40, everyMs: 50 });
    await until("the last change is registered", () => mount.registration?.tools.length === 16 + 40);
    expect(registry.served.length).toBeLessThanOrEqual(7);
  });

  test("and the registry is away just then, they are registered when it is back", async () => {
    const { mount, registry } = await mountOdd();
    registry.refuseWith = new ToolgateError("STORE_UNAVAILABLE", "Redis is away");
    await registry.run("grow", {});
    await until("it is registered", () => mount.registration?.epoch === 2);
  });

  test("and they cannot be registered, the former ones stay", async () => {
    const { mount, registry, log } = await mountOdd();
    registry.refuseWith = new ToolgateError("INVALID_SCHEMA", "grown_16 is bad");
    await registry.run("grow", {});
    await until("it was refused", () => log.some(({ event }) => event === "change_refused"));
    expect(mount.registration?.epoch).toBe(1);
    expect(registry.served[0]?.stopped).toBe(false);
  });
});

describe("what cannot be mounted is refused, and nothing is left running", () => {
  test.each<[string, string, Partial<MountOptions>, RegExp]>([
    ["a bad name", "", { name: "Odd" }, /cannot be named "Odd"/],
    ["a bad version", "", { version: "1.2" }, /"1.2" is no semantic version/],
    ["two ways to a version", "", { version: "1.0.0", versionFromContract: true }, /leave one out/],
    ["a tool that is not there", "", { idempotent: ["ehco"] }, /has no tool "ehco"/],
    ["only a tool that is not there", "", { only: ["nosuch"] }, /has no tool "nosuch"\. It has: die, echo, fail/],
    ["an idempotent tool that is not mounted", "", { only: ["echo"], idempotent: ["fail"] }, /not mounted: fail/],
    ["a server without tools", "no-tools", {}, /offers no tool to register/],
    ["a server that does not list its tools", "no-list", {}, /did not list its tools: no database/],
    ["a server that exits", "exits", {}, /cannot open the database/],
    ["a command that is not there", "", { command: "no-such-command" }, /no such command/],
    ["a folder that is not there", "", { cwd: "/no/such/folder" }, /could not be started in \/no\/such\/folder/],
  ])("%s", async (_name, mode, more, message) => {
    await expect(mountOdd(mode, more)).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringMatching(message),
    });
  });

  test("a toolset that the registry refuses", async () => {
    const registry = new RecordingRegistry();
    registry.refuseWith = new ToolgateError("CONTRACT_CONFLICT", "another contract is there");
    await expect(mountOdd("", {}, registry)).rejects.toMatchObject({ reason: "CONTRACT_CONFLICT" });
  });

  test("a mount that is given up while it starts", async () => {
    const abort = new AbortController();
    const mounting = mountOdd("mute", { signal: abort.signal });
    abort.abort(new Error("no more"));
    await expect(mounting).rejects.toThrow("no more");
  });
});
