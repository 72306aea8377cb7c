import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findConnection } from "../../cmd/contexts/connection.js";
import { contextFile, readContexts, writeContexts } from "../../cmd/contexts/context-file.js";
import { expectNoLeaks } from "../support/leaks.js";
import { runToolgate } from "./run-toolgate.js";

expectNoLeaks();

let home = "";
let file = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "toolgate-contexts-"));
  file = contextFile({ XDG_CONFIG_HOME: home });
});
afterEach(() => rm(home, { recursive: true }));

const run = (...args: string[]) => runToolgate(args, { env: { XDG_CONFIG_HOME: home } });

test("contexts are made, listed, used, changed, shown and deleted", async () => {
  expect((await run("context", "list")).stderr).toContain("There are no contexts");
  expect(await run("context", "set", "prod", "--nodes", "a:1,b:2", "--ca", "/ca.pem")).toMatchObject({ code: 0 });
  expect(await run("context", "set", "dev", "--nodes", "c:3")).toMatchObject({ code: 0, stdout: "dev is set.\n" });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await run("context", "use", "prod")).toMatchObject({ code: 0 });
  expect(JSON.parse((await run("context", "list", "--json")).stdout)).toEqual([
    { name: "prod", nodes: "a:1,b:2", ca: "/ca.pem", current: true },
    { name: "dev", nodes: "c:3", ca: "", current: false },
  ]);
  expect((await run("context", "list")).stdout).toMatch(/^\* +prod +a:1,b:2 +\/ca\.pem$/m);
  expect(await run("context", "set", "prod", "--nodes", "d:4")).toMatchObject({ code: 0 });
  expect(JSON.parse((await run("context", "show", "--json")).stdout)).toEqual({
    context: "prod",
    nodes: ["d:4"],
    ca: "/ca.pem",
    key: "found",
    origin: "toolgate context use",
  });
  expect(JSON.parse((await run("--context", "dev", "context", "show", "--json")).stdout)).toMatchObject({
    nodes: ["c:3"],
  });
  expect((await run("context", "remove", "prod")).stdout).toContain("none is now");
  expect((await run("context", "show")).stdout).toContain("by the default");
});

test("a command goes where its context says, and names it", async () => {
  await run("context", "set", "away", "--nodes", "127.0.0.1:1");
  const { code, stderr } = await run("list", "--context", "away");
  expect(code).toBe(5);
  expect(stderr).toContain("127.0.0.1:1");
});

describe("what is said last on the way wins: the command line, variables, the current context, the default", () => {
  const contexts = new Map([
    ["one", { nodes: "one:1", ca: "/one.pem" }],
    ["two", { nodes: "two:2", ca: "" }],
  ]);

  test.each([
    [{}, {}, undefined, ["127.0.0.1:7400"], "", "the default"],
    [{}, {}, "one", ["one:1"], "/one.pem", "toolgate context use"],
    [{}, { TOOLGATE_CONTEXT: "two" }, "one", ["two:2"], "", "TOOLGATE_CONTEXT"],
    [{}, { TOOLGATE_NODES: "env:1", TOOLGATE_CONTEXT: "two" }, "one", ["env:1"], "", "TOOLGATE_NODES"],
    [
      { context: "one" },
      { TOOLGATE_NODES: "env:1", TOOLGATE_CA: "/env.pem" },
      "two",
      ["one:1"],
      "/one.pem",
      "--context",
    ],
    [{ nodes: "flag:1" }, { TOOLGATE_CONTEXT: "two" }, "one", ["flag:1"], "", "--nodes"],
    [{ ca: "/flag.pem" }, {}, "one", ["one:1"], "/flag.pem", "toolgate context use"],
    [{}, { TOOLGATE_CA: "/env.pem" }, "one", ["one:1"], "/env.pem", "toolgate context use"],
  ])("%j %j %j", async (flags, env, current, nodes, ca, origin) => {
    await writeContexts(file, { current, contexts });
    expect(await findConnection(flags, { XDG_CONFIG_HOME: home, ...env })).toMatchObject({ nodes, ca, origin });
  });

  test("--nodes and --context do not go together", async () => {
    await expect(findConnection({ nodes: "a:1", context: "one" }, { XDG_CONFIG_HOME: home })).rejects.toThrow(
      "both given",
    );
  });
});

describe("what cannot be used is named, with what to do", () => {
  test.each([
    ["{", /not JSON/],
    ["[]", /no object/],
    ['{"version":2,"contexts":{}}', /its version is 2/],
    ['{"contexts":{}}', /its version is missing/],
    ['{"version":1}', /its contexts are no object/],
    ['{"version":1,"contexts":{"a b":{"nodes":"x:1"}}}', /"a b" cannot name a context/],
    ['{"version":1,"contexts":{"a":{"nodes":1}}}', /must be texts/],
    ['{"version":1,"contexts":{"a":{"nodes":"x:1","token":"s3cret"}}}', /"token" that this version does not know/],
    ['{"version":1,"current":"b","contexts":{"a":{"nodes":"x:1"}}}', /current context is none/],
    ['{"version":1,"current":"a","contexts":{"a":{"nodes":"x"}}}', /has no good nodes/],
  ])("%s", async (text, fault) => {
    await mkdir(join(home, "toolgate"));
    await writeFile(file, text);
    const finding = findConnection({}, { XDG_CONFIG_HOME: home });
    await expect(finding).rejects.toThrow(fault);
    await expect(finding).rejects.toThrow(file);
    await expect(finding).rejects.not.toThrow("s3cret");
    // It does not matter where the command line names the nodes.
    expect(await findConnection({ nodes: "a:1" }, { XDG_CONFIG_HOME: home })).toMatchObject({ nodes: ["a:1"] });
  });

  test("also where a pipe, a folder or something huge stands in their place", async () => {
    await mkdir(join(home, "toolgate"));
    await promisify(execFile)("mkfifo", [file]);
    await expect(readContexts(file)).rejects.toThrow("it is no file");
    await rm(file);
    await mkdir(file);
    await expect(readContexts(file)).rejects.toThrow("it is no file");
    await rm(file, { recursive: true });
    await writeFile(file, " ".repeat(1_048_577));
    await expect(readContexts(file)).rejects.toThrow("more than 1048576 bytes");
  });

  test("also where the contexts cannot be written", async () => {
    await writeFile(join(home, "toolgate"), "no folder");
    const { code, stderr } = await run("context", "set", "a", "--nodes", "a:1");
    expect(code).toBe(2);
    expect(stderr).toMatch(/contexts cannot be (read|written)/);
    await expect(writeContexts(file, { current: undefined, contexts: new Map() })).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
    });
  });

  test("wrong use is status 2", async () => {
    await run("context", "set", "prod", "--nodes", "a:1");
    for (const [args, message] of [
      [["context", "use", "prd"], /did you mean prod/],
      [["context", "use"], /Name one, or pass --none/],
      [["context", "set", "new"], /Pass --nodes/],
      [["context", "set", "new", "--nodes", "x"], /must be hosts and ports/],
      [["context", "set", "a b", "--nodes", "x:1"], /cannot be named/],
      [["list", "--context", "prd"], /did you mean prod/],
    ] as const) {
      const { code, stderr } = await run(...args);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    }
    expect((await readContexts(file)).contexts.size).toBe(1);
  });
});

test("a file that is a link stays one, and one that others could read is theirs no more", async () => {
  const kept = join(home, "kept.json");
  await writeFile(kept, '{"version":1,"contexts":{}}');
  await chmod(kept, 0o644);
  await mkdir(join(home, "toolgate"));
  await symlink(kept, file);
  await writeContexts(file, { current: undefined, contexts: new Map([["a", { nodes: "a:1", ca: "" }]]) });
  expect(JSON.parse(await readFile(kept, "utf8")).contexts).toEqual({ a: { nodes: "a:1", ca: "" } });
  expect((await stat(kept)).mode & 0o777).toBe(0o600);
});
