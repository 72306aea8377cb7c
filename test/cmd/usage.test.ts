import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT_CODES } from "../../cmd/output/exit-codes.js";
import { freePort } from "../../src/local-cluster/free-port.js";
import { expectNoLeaks } from "../support/leaks.js";
import { runToolgate } from "./run-toolgate.js";

expectNoLeaks();

const COMMANDS = [
  "serve",
  "dev",
  "health",
  "doctor",
  "log-level",
  "support",
  "list",
  "get",
  "search",
  "watch",
  "call",
  "calls",
  "dead",
  "context",
  "mount",
  "mount-http",
  "bundle",
  "promote",
  "unregister",
];

describe("help", () => {
  test("of the program names every command and every exit status", async () => {
    const { code, stdout, stderr } = await runToolgate(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    const unwrapped = stdout.replace(/\s+/g, " ");
    for (const { meaning } of Object.values(EXIT_CODES)) expect(unwrapped).toContain(meaning);
  });

  test.each(COMMANDS)("of %s has examples", async (command) => {
    const { code, stdout } = await runToolgate([command, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\n  .*toolgate ${command}|Examples:\n(.*\n)*.*toolgate ${command}`));
  });

  test("is shown on stderr when nothing is asked for", async () => {
    const { code, stdout, stderr } = await runToolgate([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: toolgate");
  });
});

test("--version is the package's", async () => {
  expect(await runToolgate(["--version"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

describe("wrong use is status 2, told on stderr, with nothing on stdout", () => {
  test.each<[string, readonly string[], RegExp]>([
    ["an unknown command", ["lst"], /unknown command 'lst' \(Did you mean list\?\)/],
    ["an unknown option", ["list", "--jsn"], /unknown option '--jsn' \(Did you mean --json\?\)/],
    ["a missing argument", ["call", "files"], /missing required argument 'tool'/],
    ["one argument too many", ["calls", "cancel", "a", "b"], /too many arguments/],
    ["a missing option", ["unregister", "files"], /required option '--epoch <n>'/],
    ["a bad number", ["get", "files", "--epoch", "x"], /must be a whole number/],
    ["a bad time", ["call", "a", "b", "--timeout", "soon"], /length of time/],
    ["a time without its unit", ["call", "a", "b", "--timeout", "5"], /with its unit/],
    ["a missing argument of a command's command", ["dead", "show", "files"], /missing required argument 'id'/],
    ["a bad choice", ["list", "--health", "good"], /Allowed choices are healthy, unhealthy/],
    ["bad nodes", ["list", "--nodes", "here"], /--nodes must be hosts and ports/],
    ["a CA that is not there", ["list", "--ca", "/no/such.pem"], /cannot be read/],
    [
      "a payload that is not JSON",
      ["call", "a", "b", '{"a": [1,}'],
      /argument is not JSON: line 1, column 10: expected a value/,
    ],
    ["JSON in several pieces", ["call", "a", "b", '{"a":', "1}"], /in several pieces/],
    ["a word that is no pair", ["call", "a", "b", "c=d", "e"], /"e" is no pair/],
    ["a payload given twice", ["call", "a", "b", "{}", "--file", "x"], /given twice/],
    ["a payload file that is not there", ["call", "a", "b", "--file", "/no/such.json"], /cannot be read/],
    ["a mount without a command", ["mount", "--name", "x"], /missing required argument 'command'/],
    ["a mount of a bad name", ["mount", "--name", "X Y", "--", "true"], /cannot be named "X Y"/],
    ["a mount of a command that is not there", ["mount", "--name", "x", "--", "no-such-command"], /no such command/],
    ["a mount of what is no MCP server", ["mount", "--name", "x", "--", "true"], /did not answer as an MCP server/],
    [
      "a variable that is not there",
      ["mount", "--name", "x", "--env", "NO_SUCH_VARIABLE", "--", "true"],
      /no such variable/,
    ],
  ])("%s", async (_name, args, message) => {
    const { code, stdout, stderr } = await runToolgate(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(message);
  });

  test("a variable of Toolgate that is no setting", async () => {
    const { code, stderr } = await runToolgate(["list"], { env: { TOOLGATE_NODE: "127.0.0.1:1" } });
    expect(code).toBe(2);
    expect(stderr).toContain("TOOLGATE_NODES");
  });

  test("a result that is asked for in two forms", async () => {
    const { code, stderr } = await runToolgate(["call", "a", "b", "--raw", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { message: "--raw and --json were both given." } });
  });

  test("with --json the failure is JSON", async () => {
    const { code, stdout, stderr } = await runToolgate(["list", "--jsn", "--json"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({ error: { reason: "USAGE", exitCode: 2 } });
  });
});

describe("payloads that are not JSON never reach a node", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "toolgate-cli-"));
    await writeFile(join(folder, "bad.json"), '{\n  "a": 1,\n}');
    await writeFile(join(folder, "latin.json"), Buffer.from([0x22, 0xe9, 0x22]));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("from a file, with the place", async () => {
    const { code, stderr } = await runToolgate(["call", "a", "b", "--file", join(folder, "bad.json")]);
    expect(code).toBe(2);
    expect(stderr).toContain("line 3, column 1");
  });

  test("from a file that is not UTF-8", async () => {
    const { code, stderr } = await runToolgate(["call", "a", "b", "--file", join(folder, "latin.json")]);
    expect(code).toBe(2);
    expect(stderr).toContain("not UTF-8");
  });

  test("from stdin", async () => {
    const { code, stderr } = await runToolgate(["call", "a", "b"], { stdin: "nope" });
    expect(code).toBe(2);
    expect(stderr).toContain("stdin is not JSON: line 1, column 1");
  });
});

describe("without a node", () => {
  test("a command is status 5, and names the address", async () => {
    const nodes = `127.0.0.1:${await freePort()}`;
    const { code, stdout, stderr } = await runToolgate(["list", "--nodes", nodes]);
    expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
    expect(stderr).toContain(nodes);
    expect(stderr).toContain("NODE_UNREACHABLE");
  });

  test("doctor tells what fails and what to do, and is status 5", async () => {
    const nodes = `127.0.0.1:${await freePort()}`;
    const { code, stdout } = await runToolgate(["doctor", "--nodes", nodes, "--json"]);
    expect(code).toBe(5);
    const report = JSON.parse(stdout);
    expect(report.ok).toBe(false);
    expect(report.checks).toContainEqual(
      expect.objectContaining({ name: `node ${nodes}`, status: "fail", remedy: expect.stringContaining("--nodes") }),
    );
  });
});
