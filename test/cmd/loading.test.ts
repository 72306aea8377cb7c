import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../../src/local-cluster/free-port.js";
import { expectNoLeaks } from "../support/leaks.js";
import { runToolgate } from "./run-toolgate.js";

/*
 * What a command loads is what it costs before it does anything. V8's coverage names every script that a process compiled,
 * whatever imported it and by which module system.
 */

expectNoLeaks();

/** What only nodes and providers need. */
const OF_NODES = [
  "server",
  "gateway",
  "registry",
  "calls",
  "catalog",
  "providers",
  "redis",
  "schemas",
  "ticker",
  "mount",
].map((folder) => `src/${folder}`);

/** The packages of node_modules, and the modules of the build and their folders, that a command loads, by their names. */
async function loadedBy(args: readonly string[]): Promise<{ packages: Set<string>; loaded: Set<string> }> {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-loading-"));
  try {
    await runToolgate(args, { env: { NODE_V8_COVERAGE: folder } });
    const [file = ""] = await readdir(folder);
    const { result } = JSON.parse(await readFile(join(folder, file), "utf8")) as { result: { url: string }[] };
    const found = (pattern: RegExp): Set<string> => new Set(result.flatMap(({ url }) => pattern.exec(url)?.[1] ?? []));
    return {
      packages: found(/^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//),
      loaded: new Set([...found(/\/dist\/((?:src|cmd)\/.*)\.js$/), ...found(/\/dist\/((?:src|cmd)\/[a-z]+)\//)]),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test.each([
  ["--version"],
  ["--help"],
  ["help"],
  ["list", "--help"],
  ["call", "--help"],
  ["serve", "--help"],
  ["dev", "--help"],
  ["doctor", "--help"],
  ["health", "--help"],
  ["mount", "--help"],
  ["access", "--help"],
  ["audit", "--help"],
  ["explain", "--help"],
  ["login", "--help"],
  ["policy", "--help"],
])("toolgate %j %j loads what shows a text, and no library beside that", async (...args) => {
  const { packages, loaded } = await loadedBy(args);
  expect([...packages]).toEqual(["commander"]);
  for (const folder of ["src/protocol/load", ...OF_NODES]) expect(loaded).not.toContain(folder);
});

test("a command that asks a node loads the connection, and nothing of nodes, providers, schemas or MCP", async () => {
  const { packages, loaded } = await loadedBy(["list", "--nodes", `127.0.0.1:${await freePort()}`]);
  expect(packages).toContain("@grpc/grpc-js");
  expect(loaded).toContain("src/protocol/load");
  for (const heavy of ["typebox", "ajv", "ioredis", "pino", "minisearch", "@modelcontextprotocol/sdk", "zod"]) {
    expect(packages).not.toContain(heavy);
  }
  for (const folder of OF_NODES) expect(loaded).not.toContain(folder);
});
