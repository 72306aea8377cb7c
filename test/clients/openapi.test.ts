import { type ExecFileOptions, execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { parseConfig } from "../../src/config/config.js";
import { environment } from "../../src/config/environment.js";
import { connect, defineTool, type Provider, serveToolset, Type } from "../../src/index.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import { FAST } from "../cluster/fast.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { hasLanguage, npmPackages, pythonWith, SET_UP_MS, unlessOffline } from "../support/toolchains.js";
import { until } from "../support/until.js";

expectNoLeaks();

/** Runs a program, and gives what it prints. @throws Error with all that it said, where it fails */
async function run(program: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { ...options, encoding: "utf8" })).stdout;
  } catch (error) {
    const { message, stdout } = error as Error & { readonly stdout: string }; // of a program that has failed
    throw new Error(`${message}\n${stdout}`, { cause: error });
  }
}

const FIXTURES = fileURLToPath(new URL("./fixtures/", import.meta.url));
const TYPESCRIPT = join(FIXTURES, "openapi-typescript");

const [inTypeScript, inPython] = await Promise.all([
  unlessOffline("a client made by openapi-typescript", () => npmPackages(TYPESCRIPT)),
  hasLanguage("python", "a client made by openapi-python-client")
    ? unlessOffline("a client made by openapi-python-client", () =>
        pythonWith("openapi", ["openapi-python-client==0.29.1"]),
      )
    : undefined,
]);

interface Tree {
  readonly name: string;
  readonly children?: readonly Tree[] | undefined;
}

const Zod: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(Zod).optional() }));

/** As pydantic and FastMCP write their models: titles everywhere, the same in several tools. */
const NODE = {
  title: "Node",
  type: "object",
  properties: {
    name: { title: "Name", type: "string" },
    children: { title: "Children", type: "array", items: { $ref: "#/definitions/Node" } },
  },
  required: ["name"],
};
/** A person as schemas were written by hand: with an `$id`, an anchor, and itself inside. */
const PERSON = {
  $id: "https://example.com/person.json",
  type: "object",
  properties: { name: { $ref: "#name" }, friend: { $ref: "person.json" } },
  required: ["name"],
  $defs: { text: { $anchor: "name", type: "string" } },
};

const depthOf = ({ children = [] }: Tree): number => 1 + Math.max(0, ...children.map(depthOf));
const rootDepth = (input: unknown): number => depthOf((input as { readonly root: Tree }).root); // as its schema has it
const schema = (json: object) => Type.Unsafe<unknown>(json);

const LAB = {
  name: "lab",
  version: "1.0.0",
  description: "Tools whose schemas refer to themselves.",
  tags: ["test"],
  tools: {
    sum: defineTool({
      description: "Adds two numbers.",
      payload: Type.Object({ a: Type.Number(), b: Type.Number() }, { additionalProperties: false }),
      result: Type.Number(),
      run: ({ a, b }) => a + b,
    }),
    "tree.depth": defineTool({
      description: "How deep a tree is, in draft-07.",
      payload: schema({
        $schema: "http://json-schema.org/draft-07/schema#",
        title: "Arguments",
        type: "object",
        properties: {
          root: { $ref: "#/definitions/Node" },
          pair: { type: "array", items: [{ type: "string" }, { type: "number" }], additionalItems: false },
          anything: true,
        },
        required: ["root"],
        definitions: { Node: NODE },
      }),
      result: schema({ title: "Result", type: "integer" }),
      run: rootDepth,
    }),
    tree_depth: defineTool({
      description: "How deep a tree is, as Zod writes it.",
      payload: schema(z.toJSONSchema(z.object({ root: Zod.meta({ id: "Node" }) }))),
      result: schema({ $ref: "#/$defs/depth", $defs: { depth: { title: "Result", type: "integer" } } }),
      run: rootDepth,
    }),
    mirror: defineTool({
      description: "Gives back what it gets.",
      payload: schema(PERSON),
      result: schema(PERSON),
      run: (input) => input,
    }),
    leaf: defineTool({
      description: "Is in draft-04, and has a title and a definition of others.",
      payload: schema({
        $schema: "http://json-schema.org/draft-04/schema#",
        id: "http://example.com/leaf.json",
        title: "Arguments",
        type: "object",
        properties: {
          size: { type: "number", minimum: 0, exclusiveMinimum: true },
          Node: { $ref: "#/definitions/Node" },
        },
        definitions: { Node: { ...NODE, properties: { name: { $ref: "leaf.json" } } } },
      }),
      run: (input) => input,
    }),
  },
} as const;

let redis: TestRedis;
let node: GatewayNode;
let provider: Provider;
let base = "";
let folder = "";

beforeAll(async () => {
  redis = await privateRedis();
  const flags = { ...FAST, missedPings: 50, listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", redisUrl: redis.url };
  node = createNode(parseConfig({ env: {}, flags: { ...flags, logLevel: "silent" } }));
  const { address, httpAddress } = await node.start();
  base = `http://${httpAddress}`;
  provider = await serveToolset(LAB, { nodes: address });
  const client = await connect(address);
  await until("the toolset can be called", async () => (await client.get("lab")).healthy);
  await client.close();
  folder = await mkdtemp(join(tmpdir(), "toolgate-openapi-"));
  const documents = { "node.json": "/v1/openapi.json", "tools.json": "/v1/openapi/tools?toolset=lab" };
  for (const [file, path] of Object.entries(documents))
    await writeFile(join(folder, file), await (await fetch(base + path)).text());
});
afterAll(async () => {
  await provider?.stop();
  await node?.stop();
  await redis?.stop();
  if (folder !== "") await rm(folder, { recursive: true, force: true });
});

/** What both agents find. */
const FOUND = {
  ...{ three: 3, depth: 3, zodDepth: 3, name: "Grace", seven: 7, result: 7 },
  ...{ reason: "INVALID_PAYLOAD", toolsets: ["lab"] },
};

test.skipIf(inTypeScript === undefined)(
  "openapi-typescript makes types by which a client compiles and calls tools",
  async () => {
    const own = join(folder, "typescript");
    await mkdir(own);
    const bin = (name: string): string => join(inTypeScript ?? "", ".bin", name);
    await symlink(inTypeScript ?? "", join(own, "node_modules"));
    await writeFile(join(own, "package.json"), '{ "type": "module" }');
    await copyFile(join(TYPESCRIPT, "agent.ts"), join(own, "agent.ts"));
    await Promise.all(
      ["node", "tools"].map((name) =>
        run(process.execPath, [
          bin("openapi-typescript"),
          join(folder, `${name}.json`),
          "-o",
          join(own, `${name}.d.ts`),
        ]),
      ),
    );
    const options = [
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--lib",
      "es2023,dom",
      "--noErrorTruncation",
    ];
    await run(process.execPath, [bin("tsc"), ...options, "agent.ts"], { cwd: own });
    const stdout = await run(process.execPath, ["agent.js", base], { cwd: own });
    expect(JSON.parse(stdout)).toEqual(FOUND);
  },
);

test.skipIf(inPython === undefined)(
  "openapi-python-client makes a client without a warning, and it calls tools",
  async () => {
    const python = inPython ?? "";
    const env = { ...environment(), PATH: `${dirname(python)}${delimiter}${environment().PATH ?? ""}` };
    const own = join(folder, "python");
    await mkdir(own);
    for (const name of ["node", "tools"]) {
      const to = join(own, name);
      const args = ["generate", "--fail-on-warning", "--meta", "none", "--path", join(folder, `${name}.json`)];
      const packageName = name === "node" ? "toolgate_client" : "lab_client";
      await mkdir(to);
      await run("openapi-python-client", [...args, "--output-path", join(to, packageName)], { env });
    }
    const PYTHONPATH = [join(own, "node"), join(own, "tools")].join(delimiter);
    await run(python, ["-W", "error", "-m", "compileall", "-q", own], { env });
    const stdout = await run(python, [join(FIXTURES, "openapi_agent.py"), base], { env: { ...env, PYTHONPATH } });
    expect(JSON.parse(stdout)).toEqual(FOUND);
  },
  SET_UP_MS,
);
