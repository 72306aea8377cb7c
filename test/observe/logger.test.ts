import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { createLogger } from "../../src/observe/logger.js";

function collect() {
  const lines: Record<string, unknown>[] = [];
  return { lines, write: (line: string) => void lines.push(JSON.parse(line)) };
}

describe("lines", () => {
  test("one JSON line per event, with level, time and the bound fields", () => {
    const to = collect();
    const log = createLogger({ level: "info", fields: { nodeId: "n1" }, to });
    log.info({ event: "started", address: "127.0.0.1:1" });
    log.child({ session: "s" }).warn({ event: "slow", nodeId: "mine" }, "It took long.");
    expect(to.lines).toEqual([
      {
        level: "info",
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        nodeId: "n1",
        event: "started",
        address: "127.0.0.1:1",
      },
      {
        level: "warn",
        time: expect.any(String),
        nodeId: "mine",
        session: "s",
        event: "slow",
        message: "It took long.",
      },
    ]);
  });

  test("a level is the least that is written", () => {
    const to = collect();
    const log = createLogger({ level: "warn", to });
    log.debug({ event: "a" });
    log.info({ event: "b" });
    log.warn({ event: "c" });
    log.error({ event: "d" });
    expect(to.lines.map(({ event }) => event)).toEqual(["c", "d"]);
  });

  test("nothing is hidden from the bounds: child fields and errors pass them too", () => {
    const to = collect();
    const log = createLogger({ level: "info", to });
    log.child({ leaseToken: "canary", level: "mine" }).error({ event: "x", err: new Error("redis://u:canary@h") });
    expect(JSON.stringify(to.lines)).not.toContain("canary");
    expect(to.lines[0]).toMatchObject({ level: "error", level_: "mine" });
  });

  test("after stop, lines are dropped", async () => {
    const to = collect();
    const log = createLogger({ level: "info", to });
    await log.stop();
    await log.stop();
    log.info({ event: "late" });
    expect(to.lines).toEqual([]);
  });
});

type Child = ChildProcessByStdio<Writable, Readable, null>;

const MODULE = new URL("../../dist/src/observe/logger.js", import.meta.url).href;

/** A process that logs to its standard output, from the build. */
function program(body: string): string[] {
  return ["--input-type=module", "-e", `import { createLogger } from ${JSON.stringify(MODULE)};\n${body}`];
}

describe("standard output", () => {
  test.each(["process.exit(0)", "await log.stop()", "setImmediate(() => {})"])(
    "is whole when the process ends by %s",
    async (end) => {
      const body = `const log = createLogger({ level: "info" });
        for (let i = 0; i < 2000; i++) log.info({ event: "line", i });
        ${end};`;
      const { stdout } = await promisify(execFile)(process.execPath, program(body), { maxBuffer: 10_000_000 });
      const lines = stdout.trimEnd().split("\n");
      expect(lines).toHaveLength(2000);
      expect(JSON.parse(lines[1999] ?? "")).toMatchObject({ event: "line", i: 1999 });
    },
  );

  test("a reader that does not read costs a bounded buffer; what was dropped is counted", async () => {
    const body = `const log = createLogger({ level: "info" });
      for (let i = 0; i < 200000; i++) log.info({ event: "line", i, text: "x".repeat(100) });
      process.stderr.write("written " + process.memoryUsage().rss);
      process.stdin.once("data", () => process.exit(0));`;
    const child = spawn(process.execPath, program(body), { stdio: ["pipe", "pipe", "pipe"] });
    try {
      const [note] = await once(child.stderr, "data"); // it went through without a reader
      expect(Number(String(note).split(" ")[1])).toBeLessThan(250 * 1_048_576);
      let dropped = 0;
      let read = 0;
      for await (const line of createInterface(child.stdout)) {
        const { event, count } = JSON.parse(line);
        if (event === "line") read++;
        if (event !== "log_lines_dropped") continue;
        dropped = count;
        break;
      }
      expect(read + dropped).toBe(200_000);
    } finally {
      const exited = once(child, "exit");
      child.stdin.write("end\n");
      await exited;
    }
  });

  test("a reader that went away does not end the process", async () => {
    const body = `const log = createLogger({ level: "info" });
      process.stdin.on("data", () => log.info({ event: "line" })).on("end", () => process.exit(7));
      log.info({ event: "first" });`;
    const child = spawn(process.execPath, program(body), { stdio: ["pipe", "pipe", "inherit"] });
    const exited = once(child, "exit");
    await once(child.stdout, "data");
    child.stdout.destroy();
    for (let i = 0; i < 10; i++) child.stdin.write("more\n");
    child.stdin.end();
    expect(await exited).toEqual([7, null]);
  });

  test.each([
    ["went away", "process.exit(7)", (child: Child) => child.stdout.destroy()],
    ["went away", "await log.stop(); process.exit(7)", (child: Child) => child.stdout.destroy()],
    ["does not read", "process.exit(7)", () => {}],
    ["does not read", "await log.stop(); process.exit(7)", () => {}],
  ] as const)("a reader that %s does not keep the process from its end by %s, lines in hand", async (_, end, cut) => {
    const body = `const log = createLogger({ level: "info" });
      process.stdin.once("data", async () => {
        for (let i = 0; i < 10000; i++) log.info({ event: "line", text: "x".repeat(100) });
        ${end};
      });
      log.info({ event: "first" });`;
    const child = spawn(process.execPath, program(body), { stdio: ["pipe", "pipe", "inherit"] });
    try {
      const exited = once(child, "exit");
      await once(child.stdout, "readable");
      cut(child);
      child.stdin.write("more\n");
      expect(await exited).toEqual([7, null]);
    } finally {
      child.kill("SIGKILL");
      child.stdout.destroy();
    }
  });

  test("lines that cannot be written for a while, as on a full disk, are written then", async () => {
    const body = `import fs from "node:fs";
      const { write } = fs;
      fs.write = (...args) => {
        process.stderr.write("full");
        args.at(-1)(Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" }));
      };
      process.stdin.once("data", () => {
        fs.write = write;
      });
      const log = createLogger({ level: "info" });
      log.info({ event: "first" });
      log.info({ event: "second" });`;
    const child = spawn(process.execPath, program(body), { stdio: ["pipe", "pipe", "pipe"] });
    try {
      await once(child.stderr, "data");
      child.stdin.write("there is room");
      const events: string[] = [];
      for await (const line of createInterface(child.stdout)) {
        events.push(JSON.parse(line).event);
        if (events.length === 2) break;
      }
      expect(events).toEqual(["first", "second"]);
    } finally {
      const exited = once(child, "exit");
      child.stdin.end();
      child.kill("SIGKILL");
      await exited;
    }
  });

  test.runIf(existsSync("/dev/full"))(
    "a disk that stays full does not end the process, nor keep it from its end",
    async () => {
      const body = `const log = createLogger({ level: "info" });
      log.info({ event: "first" });
      process.stdin.once("data", () => {
        log.info({ event: "second" });
        process.exit(7);
      });`;
      const full = openSync("/dev/full", "w");
      const child = spawn(process.execPath, program(body), { stdio: ["pipe", full, "inherit"] });
      closeSync(full);
      try {
        const exited = once(child, "exit");
        child.stdin?.write("more\n");
        expect(await exited).toEqual([7, null]);
      } finally {
        child.kill("SIGKILL");
      }
    },
  );
});
