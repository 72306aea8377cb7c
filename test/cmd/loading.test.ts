import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { environment } from "../../src/config/environment.js";
import { freePort } from "../../src/local-cluster/free-port.js";
import { listeningAddress } from "../../src/local-cluster/listening-line.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { Program } from "../../src/local-cluster/program.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { runToolgate } from "./run-toolgate.js";

/*
 * What a command loads is what it costs before it does anything. V8's coverage names every script that a process compiled,
 * whatever imported it and by which module system.
 */

expectNoLeaks();
const redis = redisForFile();

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

interface Loaded {
  /** The packages of node_modules, by their names. */
  readonly packages: Set<string>;
  /** The modules of the build, and their folders. */
  readonly loaded: Set<string>;
}

/** What a process loads that runs with an environment in which it writes that down, and has ended when `run` resolves. */
async function loadedIn(run: (env: Readonly<Record<string, string>>) => Promise<unknown>): Promise<Loaded> {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-loading-"));
  try {
    await run({ NODE_V8_COVERAGE: folder });
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

const loadedBy = (args: readonly string[]): Promise<Loaded> =>
  loadedIn((env) => runToolgate(args, { env, root: PACKAGE_ROOT }));

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
  ["log-level", "--help"],
  ["support", "--help"],
  ["mount", "--help"],
  ["mount-http", "--help"],
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

/** What every node needs: the wire, Redis, logs, and what contracts, searches and patterns are read with. */
const OF_EVERY_NODE = [
  "@grpc/grpc-js",
  "@grpc/proto-loader",
  "@ioredis/commands",
  "ajv-formats",
  "canonicalize",
  "cluster-key-slot",
  "commander",
  "ioredis",
  "ipaddr.js",
  "lru-cache",
  "minisearch",
  "pino",
  "protobufjs",
  "re2js",
  "redlock",
  "semver",
  "sonic-boom",
];
/** What only some nodes need, and load when they first do: tokens, what documents name by URL, schemas of documents. */
const OF_SOME_NODES = ["ajv", "jose", "typebox", "undici", "yaml"];

test("a node loads at its start what every node needs, and of what only some need nothing", async () => {
  const { packages, loaded } = await loadedIn(async (env) => {
    const node = new Program({
      name: "toolgate serve",
      entry: "cmd/toolgate.js",
      args: ["serve"],
      env: { ...environment(), ...env, REDIS_URL: redis().url, TOOLGATE_LISTEN: "127.0.0.1:0" },
    });
    node.start();
    try {
      await node.line("it listens", listeningAddress, 30_000);
    } finally {
      await node.stop(30_000);
    }
  });
  expect([...packages]).toEqual(expect.arrayContaining(OF_EVERY_NODE));
  for (const heavy of OF_SOME_NODES) expect(packages).not.toContain(heavy);
  // Workers compile schemas, in threads of their own.
  for (const compiling of ["compiler", "prepare-schema", "generate-code"])
    expect(loaded).not.toContain(`src/schemas/${compiling}`);
  for (const folder of ["src/hosting", "src/testing", "tools"]) expect(loaded).not.toContain(folder);
});
