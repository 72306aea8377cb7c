import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { McpServer, type McpServerOptions } from "../../src/hosting/mcp-server.js";
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
    onLogMessage: (level, message) => lines.push(`${level} ${message}`),
    onFault: (message) => faults.push(message),
    onToolsChanged: () => {},
    ...more,
  });
  open.push(server);
  return { server, lines, faults };
}

const odd = (mode = "", more: Partial<McpServerOptions> = {}): Started => newServer("node", [ODD, mode], more);
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
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
    const outcome = await server.callTool("read_text_file", json({ path: join(folder, "hello.txt") }), patient);
    expect(outcome).toMatchObject({ kind: "result", value: { structuredContent: { content: "hello there" } } });
    const group = server.group ?? 0;
    await server.stop();
    expect(await running(group)).toEqual([false]);
    await rm(folder, { recursive: true });
  });

  test("the everything server reports progress", async () => {
    const { server } = newServer(bin("mcp-server-everything"), []);
    await server.start(never);
    const seen: number[] = [];
    const outcome = await server.callTool("trigger-long-running-operation", json({ duration: 0.2, steps: 4 }), {
      ...patient,
      onProgress: ({ progress }) => seen.push(progress),
    });
    expect(outcome.kind).toBe("result");
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});

describe("a call", () => {
  test("is cancelled at the server when its signal aborts", async () => {
    const { server, lines } = odd();
    await server.start(never);
    const abort = new AbortController();
    const call = server.callTool("hang", json({}), { ...patient, signal: abort.signal });
    await until("the call hangs", () => lines.some((line) => line.startsWith("hanging")));
    abort.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await until("the server was told", () => lines.some((line) => line.startsWith("cancelled")));
  });

  test("that the server refuses keeps its code and data", async () => {
    const { server } = odd();
    await server.start(never);
    expect(await server.callTool("refuse", json({}), patient)).toEqual({
      kind: "error",
      code: -32_602,
      message: "path is required",
      data: json({ path: "/path" }),
    });
  });

  test("ends as died when the server ends under it; one after that was not sent", async () => {
    const { server } = odd();
    await server.start(never);
    const [died] = await Promise.all([
      server.callTool("die", json({}), patient),
      server.callTool("hang", json({}), patient),
    ]);
    expect(died).toEqual({ kind: "died" });
    expect(await server.ended).toEqual({ code: 3, signal: null });
    expect(await server.callTool("echo", json({}), patient)).toEqual({ kind: "not_sent" });
  });

  test("that has ended may still be reported on: no fault is progress, and no fault shows what was sent", async () => {
    const { server, faults } = odd();
    await server.start(never);
    await server.callTool("late", json({}), patient);
    await server.callTool("echo", json({}), patient);
    expect(faults).toEqual(["an answer to a request that was never made"]);
  });

  test("whose answer is too large fails alone", async () => {
    const { server } = odd("", { maxMessageBytes: 100_000 });
    await server.start(never);
    const [huge, small] = await Promise.all([
      server.callTool("huge", json({ bytes: 5_000_000 }), patient),
      server.callTool("echo", json({ a: 1 }), patient),
    ]);
    expect(huge).toMatchObject({ kind: "error", message: expect.stringContaining("over the limit of 100000 bytes") });
    expect(small).toMatchObject({ kind: "result" });
  });

  test("survives lines that are no JSON-RPC", async () => {
    const { server, faults } = odd();
    await server.start(never);
    expect(await server.callTool("garbage", json({}), patient)).toMatchObject({ kind: "result" });
    expect(faults).toHaveLength(2);
  });
});

describe("an answer that is not quite right", () => {
  const result = { content: [{ type: "text", text: "fine" }] };
  const whole = JSON.stringify(result);

  /** Has the server write this line, with the request's id in place of `$`. */
  async function answeredWith(line: string): Promise<unknown> {
    const { server } = odd();
    await server.start(never);
    return await server.callTool("write", json({ line }), patient);
  }

  test.each([
    ["null beside it as its error", `{"jsonrpc":"2.0","id":$,"result":${whole},"error":null}`],
    ["no jsonrpc", `{"id":$,"result":${whole}}`],
    ["another jsonrpc", `{"jsonrpc":"1.0","id":$,"result":${whole}}`],
    ["its id as text", `{"jsonrpc":"2.0","id":"$","result":${whole}}`],
    ["members of its own", `{"jsonrpc":"2.0","id":$,"result":${whole},"took":3}`],
    ["a batch around it", `[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":$,"result":${whole}}]`],
    ["a carriage return behind it", `{"jsonrpc":"2.0","id":$,"result":${whole}}\r`],
  ])("is a result, with %s", async (_name, line) => {
    expect(await answeredWith(line)).toEqual({ kind: "result", value: result, json: Buffer.from(whole) });
  });

  test.each([
    ["no text", '{"jsonrpc":"2.0","id":$,"error":{"code":-32000}}', -32_000],
    ["null as its text", '{"jsonrpc":"2.0","id":$,"error":{"code":-32000,"message":null,"data":null}}', -32_000],
    ["no code", '{"jsonrpc":"2.0","id":$,"error":{}}', undefined],
    ["null as its result", '{"jsonrpc":"2.0","id":$,"result":null,"error":{"code":5}}', 5],
  ])("is a refusal, with %s", async (_name, line, code) => {
    const message = "The MCP server refused without a message.";
    expect(await answeredWith(line)).toEqual({ kind: "error", code, message });
  });

  test("is a refusal in its words, with a text as its error", async () => {
    const refusal = { kind: "error", code: undefined, message: "out of paper" };
    expect(await answeredWith('{"jsonrpc":"2.0","id":$,"error":"out of paper"}')).toEqual(refusal);
  });

  test.each([
    ["neither result nor error", '{"jsonrpc":"2.0","id":$}', "it has neither a result nor an error"],
    ["null as its result", '{"jsonrpc":"2.0","id":$,"result":null}', "it has neither a result nor an error"],
    ["NaN in it", '{"jsonrpc":"2.0","id":$,"result":{"content":[],"n":NaN}}', "it is not JSON"],
    ["its end missing", '{"id":$,"result":{"content":[', "it is not JSON"],
  ])("ends its call, with %s", async (_name, line, why) => {
    expect(await answeredWith(line)).toEqual({ kind: "unusable", why: expect.stringContaining(why) });
  });
});

test("a server that asks and does not read the answers is not answered for ever", async () => {
  const { server, faults } = odd();
  await server.start(never);
  await server.callTool("deaf", json({ questions: 20_000 }), patient);
  expect(faults[0]).toContain("does not read what it is answered");
  const outcome = await server.callTool("answers", json({}), patient);
  const answers = outcome.kind === "result" && Number(/"text":"([0-9]+)"/.exec(outcome.json.toString())?.[1]);
  // Those that the pipe takes, and no more than a thousand that wait.
  expect(answers).toBeGreaterThanOrEqual(1_000);
  expect(answers).toBeLessThan(10_000);
});

test("arguments and results are the bytes that were given", async () => {
  const { server } = odd();
  await server.start(never);
  const args = Buffer.from('{ "id": 725653563933458433,\n\r "price": 10.00, "e": 1e2, "text": "a\\u0041\u2028" }');
  const outcome = await server.callTool("line", args, patient);
  expect(outcome.kind === "result" && outcome.json.toString()).toContain(
    `"arguments":{ "id": 725653563933458433,   "price": 10.00, "e": 1e2, "text": "a\\u0041\u2028" }`,
  );
});

describe("a list of tools", () => {
  test("that the server refuses is an error that names it, with a remedy", async () => {
    const { server } = odd("no-list");
    await server.start(never);
    await expect(server.listTools(never)).rejects.toMatchObject({
      name: "ToolgateError",
      reason: "INVALID_CONFIG",
      message: expect.stringMatching(/did not list its tools: no database \(code -32000\)\. Look at/),
    });
  });

  test("whose next page is null has ended", async () => {
    const { server } = odd("null-cursor");
    await server.start(never);
    expect(await server.listTools(never)).toHaveLength(1);
  });
});

test("a list of tools that never ends is cut off where it is as large as one message may be", async () => {
  const { server, faults } = odd("endless-list", { maxMessageBytes: 250_000 });
  await server.start(never);
  expect(await server.listTools(never)).toHaveLength(3);
  expect(faults).toEqual([expect.stringContaining("250000 bytes; the rest is left out")]);
});

test("a list of more tools than any server has is cut off, also within a page", async () => {
  const { server, faults } = odd("wide-list");
  await server.start(never);
  expect(await server.listTools(never)).toHaveLength(10_000);
  expect(faults).toEqual([expect.stringContaining("10000 tools")]);
});

test("what the server logs by MCP's own way is told with its level, and bounded", async () => {
  const { server, lines } = odd();
  await server.start(never);
  await server.callTool("log", json({ level: "warning", logger: "db", data: { full: 0.9 } }), patient);
  await server.callTool("log", json({ level: "alert", data: "x".repeat(10_000) }), patient);
  expect(lines[0]).toBe('warn db: {"full":0.9}');
  expect(lines[1]).toMatch(/^error x+…$/);
  expect(lines[1]?.length).toBeLessThan(2_100);
});

test("messages that nest without end are handled, and end nothing", async () => {
  const { server, lines } = odd();
  await server.start(never);
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const message = `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":${deep}}}`;
  void server.callTool("write", json({ line: message }), patient).catch(() => {});
  const answer = await server.callTool("write", json({ line: `{"id":$,"result":${deep}}` }), patient);
  expect(answer.kind).toBe("result");
  expect(lines).toEqual(["info (data that nests too deeply to be shown)"]);
});

test("all pages of the list are read", async () => {
  const { server } = odd();
  await server.start(never);
  const names = (await server.listTools(never)).map((tool) => (tool as { name: string }).name); // the fixture's own tools
  expect(names).toHaveLength(16);
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
  const outcome = await server.callTool("pid", json({}), patient);
  const { pid, offspring } = pids(outcome);
  expect(await running(pid, offspring)).toEqual([true, true]);
  await server.stop();
  expect(await running(pid, offspring)).toEqual([false, false]);
});

test("a supervisor that is killed takes the server with it", async () => {
  const { server } = odd();
  await server.start(never);
  const { pid } = pids(await server.callTool("pid", json({}), patient));
  process.kill(server.group ?? 0, "SIGKILL");
  await server.ended;
  await until("the server is gone", async () => !(await running(pid))[0]);
});

/** The process ids in the answer of the tool `pid`. */
function pids(outcome: unknown): { pid: number; offspring: number } {
  const { value } = outcome as { value: { content: [{ text: string }] } }; // the fixture's own answer
  return JSON.parse(value.content[0].text);
}
