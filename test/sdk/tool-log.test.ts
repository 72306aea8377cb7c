import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  isLogDelta,
  type Provider,
  type ProviderLogger,
  type ServeOptions,
  serveToolset,
  type ToolContext,
  ToolFailure,
} from "../../src/index.js";
import { expectNoLeaks } from "../support/leaks.js";
import { warningsDuring } from "../support/warnings.js";
import { Inbox, registration, type ScriptedAttachment, ScriptedNode } from "./scripted-gateway.js";

expectNoLeaks();

let node: ScriptedNode;
let attachments: Inbox<ScriptedAttachment>;
let providers: Provider[] = [];

beforeEach(async () => {
  node = await ScriptedNode.start();
  attachments = new Inbox();
  node.onAttachment = (attachment) => attachments.put(attachment);
  providers = [];
});
afterEach(async () => {
  await Promise.all(providers.map((provider) => provider.stop({ graceMs: 1 })));
  node.kill();
});

interface Line {
  readonly level: string;
  readonly fields: { readonly [key: string]: unknown };
  readonly message: string;
}

function recordingLogger() {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...fields }, message });
  };
  const logger: ProviderLogger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { logger, about: (text: string) => lines.filter(({ message }) => message.includes(text)) };
}

async function serve(run: (input: unknown, context: ToolContext) => unknown, options: Partial<ServeOptions> = {}) {
  const toolset = { name: "math", version: "1.0.0", tools: { now: { payload: true, run } } } as const;
  const serving = serveToolset(toolset, { nodes: node.address, ...options });
  const attachment = await attachments.next();
  attachment.welcome();
  providers.push(await serving);
  return attachment;
}

test("what a tool logs goes to the provider's logger with the call's ids, and not to its output unless asked", async () => {
  const { logger, about } = recordingLogger();
  const attachment = await serve(
    (_input, { log }) => {
      log.debug({}, "line one");
      log.info({ rows: 3, callId: "forged" }, "line two");
      log.warn({}, "line three");
      log.error({}, "line four");
    },
    { logger },
  );
  attachment.call("c1", "now", { secret: "payload" });
  await attachment.results.next();
  const ids = { toolset: "math", tool: "now", callId: "c1", attempt: 1 };
  expect(about("line")).toEqual([
    { level: "debug", message: "line one", fields: ids },
    { level: "info", message: "line two", fields: { rows: 3, ...ids } },
    { level: "warn", message: "line three", fields: ids },
    { level: "error", message: "line four", fields: ids },
  ]);
  expect(attachment.deltas.all).toEqual([]);
});

test("from the level that is asked for, lines are in the call's output too, in their place", async () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const attachment = await serve(
    async (_input, { log, emit }) => {
      log.debug({}, "not this");
      log.info({ rows: 3 }, "begin");
      await emit("half");
      log.error(cycle, "no JSON");
    },
    { logOutput: "info", logger: recordingLogger().logger },
  );
  attachment.call("c1", "now", {});
  expect((await attachment.results.next()).outcome).toBe("resultJson");
  const deltas = attachment.deltas.all.map(({ dataJson }): unknown => JSON.parse(dataJson.toString()));
  expect(deltas).toEqual([
    { log: { level: "info", message: "begin", fields: { rows: 3 } } },
    "half",
    { log: { level: "error", message: "no JSON" } },
  ]);
  expect(deltas.map(isLogDelta)).toEqual([true, false, true]);
});

test("a line that is too large for the output does not end the call", async () => {
  const options = { logOutput: "info", maxDeltaBytes: 10, logger: recordingLogger().logger } as const;
  const attachment = await serve((_input, { log }) => log.info({}, "longer than ten bytes"), options);
  attachment.call("c1", "now", {});
  expect((await attachment.results.next()).outcome).toBe("resultJson");
});

test("an error that a tool throws is logged with its stack; a ToolFailure is the tool's answer, and is not", async () => {
  const { logger, about } = recordingLogger();
  const error = new TypeError("oops");
  let thrown: unknown = error;
  const attachment = await serve(
    () => {
      throw thrown;
    },
    { logger },
  );
  attachment.call("c1", "now", {});
  expect((await attachment.results.next()).error).toMatchObject({ reason: "TOOL_ERROR", message: "oops" });
  thrown = new ToolFailure("NO_FUNDS", "broke");
  attachment.call("c2", "now", {});
  await attachment.results.next();
  expect(about("threw")).toEqual([
    {
      level: "error",
      message: "the tool threw an error",
      fields: { toolset: "math", tool: "now", callId: "c1", attempt: 1, err: error },
    },
  ]);
});

test("without a logger, errors of tools and warnings of schemas go to standard error", async () => {
  const written = vi.spyOn(console, "error").mockReturnValue();
  try {
    const warnings = [{ tool: "now", path: "/payload_schema/typ", message: "did you mean type?" }];
    node.script("register", () => registration({ warnings }));
    const error = new TypeError("oops");
    const attachment = await serve(() => {
      throw error;
    });
    attachment.call("c1", "now", {});
    await attachment.results.next();
    expect(written.mock.calls).toEqual([
      [
        expect.stringContaining("/payload_schema/typ did you mean type?"),
        { toolset: "math", tool: "now", path: "/payload_schema/typ" },
      ],
      ["toolgate: the tool threw an error", expect.objectContaining({ callId: "c1", err: error })],
    ]);
  } finally {
    written.mockRestore();
  }
});

test("a logger that throws ends nothing", async () => {
  const fail = () => {
    throw new Error("disk full");
  };
  const attachment = await serve((_input, { log }) => log.error({}, "line"), { logger: { info: fail, warn: fail } });
  attachment.call("c1", "now", {});
  expect((await attachment.results.next()).outcome).toBe("resultJson");
});

test("one signal may be many providers', and a call's signal many listeners', without a warning of a leak", async () => {
  const source = new AbortController();
  const warnings = await warningsDuring(async () => {
    for (let count = 0; count < 12; count++) {
      const attachment = await serve(
        (_input, { signal }) => {
          for (let each = 0; each < 20; each++) signal.addEventListener("abort", () => {});
        },
        { signal: source.signal },
      );
      attachment.call("c1", "now", {});
      await attachment.results.next();
    }
  });
  expect(warnings).toEqual([]);
});
