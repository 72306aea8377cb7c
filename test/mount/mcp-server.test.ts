import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { McpServer, type McpServerOptions } from "../../src/mount/mcp-server.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { running } from "./running.js";

expectNoLeaks();

const bin = (name: string): string => fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));
const ODD = fileURLToPath(new URL("./fixtures/odd-server.mjs", import.meta.url));

const open: McpServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()));
});

interface Started {
  readonly server: McpServer;
  readonly lines: string[];
  readonly faults: string[];
}

function newServer(command: string, args: readonly string[], more: Partial<McpServerOptions> = {}): Started {
  const lines: string[] = [];
  const faults: string[] = [];
  const server = new McpServer({
    command: { command, args },
    startTimeoutMs: 30_000,
    stopGraceMs: 300,
    now: Date.now,
    onLogLine: (line) => lines.push(line),
    onFault: (message) => faults.push(message),
    onToolsChanged: () => {},
    ...more,
  });
  open.push(server);
  return { server, lines, faults };
}

const odd = (mode = "", more: Partial<McpServerOptions> = {}): Started => newServer("node", [ODD, mode], more);
const never = new AbortController().signal;
const patient = { signal: never, timeoutMs: 30_000, onProgress: () => {} };

describe("the official servers", () => {
  test("the filesystem server reads a file, and is gone after stop", async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "toolgate-mount-")));
    await writeFile(join(folder, "hello.txt"), "hello there");
    const { server } = newServer(bin("mcp-server-filesystem"), [folder]);
    const identity = await server.start(never);
    expect(identity).toMatchObject({ name: "secure-filesystem-server", version: "0.2.0" });
    expect((await server.listTools(never)).length).toBeGreaterThan(10);
    const outcome = await server.callTool("read_text_file", { path: join(folder, "hello.txt") }, patient);
    expect(outcome).toMatchObject({ kind: "answer", answer: { structuredContent: { content: "hello there" } } });
    const group = server.group ?? 0;
    await server.stop();
    expect(await running(group)).toEqual([false]);
    await rm(folder, { recursive: true });
  });

  test("the everything server reports progress", async () => {
    const { server } = newServer(bin("mcp-server-everything"), []);
    await server.start(never);
    const seen: number[] = [];
    const outcome = await server.callTool(
      "trigger-long-running-operation",
      { duration: 0.2, steps: 4 },
      { ...patient, onProgress: ({ progress }) => seen.push(progress) },
    );
    expect(outcome.kind).toBe("answer");
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});

describe("a call", () => {
  test("is cancelled at the server when its signal aborts", async () => {
    const { server, lines } = odd();
    await server.start(never);
    const abort = new AbortController();
    const call = server.callTool("hang", {}, { ...patient, signal: abort.signal });
    await until("the call hangs", () => lines.some((line) => line.startsWith("hanging")));
    abort.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await until("the server was told", () => lines.some((line) => line.startsWith("cancelled")));
  });

  test("that the server refuses keeps its code and data", async () => {
    const { server } = odd();
    await server.start(never);
    expect(await server.callTool("refuse", {}, patient)).toEqual({
      kind: "refused",
      code: -32_602,
      message: "path is required",
      data: { path: "/path" },
    });
  });

  test("ends as died when the server ends under it; one after that was not sent", async () => {
    const { server } = odd();
    await server.start(never);
    const [died] = await Promise.all([server.callTool("die", {}, patient), server.callTool("hang", {}, patient)]);
    expect(died).toEqual({ kind: "died" });
    expect(await server.ended).toEqual({ code: 3, signal: null });
    expect(await server.callTool("echo", {}, patient)).toEqual({ kind: "not_sent" });
  });

  test("that has ended may still be reported on: no fault is progress, and no fault shows what was sent", async () => {
    const { server, faults } = odd();
    await server.start(never);
    await server.callTool("late", {}, patient);
    await server.callTool("echo", {}, patient);
    expect(faults).toEqual(["Received a response for an unknown message ID"]);
  });

  test("whose answer is too large fails alone", async () => {
    const { server } = odd("", { maxMessageBytes: 100_000 });
    await server.start(never);
    const [huge, small] = await Promise.all([
      server.callTool("huge", { bytes: 5_000_000 }, patient),
      server.callTool("echo", { a: 1 }, patient),
    ]);
    expect(huge).toMatchObject({ kind: "refused", message: expect.stringContaining("over the limit of 100000 bytes") });
    expect(small).toMatchObject({ kind: "answer" });
  });

  test("survives lines that are no JSON-RPC", async () => {
    const { server, faults } = odd();
    await server.start(never);
    expect(await server.callTool("garbage", {}, patient)).toMatchObject({ kind: "answer" });
    expect(faults).toHaveLength(2);
  });
});

test("all pages of the list are read", async () => {
  const { server } = odd();
  await server.start(never);
  const names = (await server.listTools(never)).map((tool) => (tool as { name: string }).name); // the fixture's own tools
  expect(names).toHaveLength(11);
  expect(names).toContain("grow");
});

test("what the server writes to stderr is bounded", async () => {
  const { server, lines } = odd("noisy");
  await server.start(never);
  await server.stop();
  expect(lines.length).toBeLessThan(500);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2_100);
});

describe("a server that does not start", () => {
  test("because there is no such command", async () => {
    const { server } = newServer("no-such-command-anywhere", []);
    await expect(server.start(never)).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringContaining('"no-such-command-anywhere" could not be started: there is no such command'),
    });
  });

  test("because it exits: its last words are in the message", async () => {
    const { server } = odd("exits");
    await expect(server.start(never)).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringMatching(/exited with code 9.*cannot open the database/s),
    });
  });

  test("because it never answers: it is ended", async () => {
    const { server } = odd("mute", { startTimeoutMs: 500 });
    await expect(server.start(never)).rejects.toMatchObject({ reason: "INVALID_CONFIG" });
    expect(server.group).toBeUndefined();
  });
});

test("stop ends what ignores the end of its input and SIGTERM, also a grandchild in a group of its own", async () => {
  const { server } = odd("stubborn");
  await server.start(never);
  const outcome = await server.callTool("pid", {}, patient);
  const { pid, offspring } = pids(outcome);
  expect(await running(pid, offspring)).toEqual([true, true]);
  await server.stop();
  expect(await running(pid, offspring)).toEqual([false, false]);
});

test("a guardian that is killed takes the server with it", async () => {
  const { server } = odd();
  await server.start(never);
  const { pid } = pids(await server.callTool("pid", {}, patient));
  process.kill(server.group ?? 0, "SIGKILL");
  await server.ended;
  await until("the server is gone", async () => !(await running(pid))[0]);
});

/** The process ids in the answer of the tool `pid`. */
function pids(outcome: unknown): { pid: number; offspring: number } {
  const { answer } = outcome as { answer: { content: [{ text: string }] } }; // the fixture's own answer
  return JSON.parse(answer.content[0].text);
}
