import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localKeyFile } from "../../src/config/local-key-file.js";
import { type Provider, serveToolset, Type } from "../../src/index.js";
import { TEXT_TOOLSET } from "../../tools/demo/text-toolset.js";
import { type ClosedCluster, publishKey, startClosedCluster } from "../support/closed-cluster.js";
import { copyExamples, type ExamplesCopy, saidOutput, startExample } from "../support/examples.js";
import { expectNoLeaks } from "../support/leaks.js";
import { namedCommands } from "../support/page-blocks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { type Ended, type Running, startProgram, stopInside } from "../support/start-program.js";
import { hasLanguage, SET_UP_MS } from "../support/toolchains.js";
import { until } from "../support/until.js";

expectNoLeaks();

describe.skipIf(!hasLanguage("go", "the examples in Go"))("an agent in Go, made from the proto files", () => {
  let program: string;
  let examples: ExamplesCopy;
  let redis: TestRedis;
  let cluster: ClosedCluster;
  let keyFile: string;
  let provider: Provider;
  let runs = 0;
  let release = (): void => {};

  beforeAll(async () => {
    examples = await copyExamples();
    await examples.run("docs/clients.md", "go stubs");
    await examples.run("examples/go/README.md", "stubs");
    program = join(examples.folder, "examples", "go", "bin", "agent");
    redis = await privateRedis();
    cluster = await startClosedCluster({ redis, nodes: 3 });
    await publishKey(cluster, examples.folder);
    keyFile = localKeyFile(cluster.addresses[0] ?? "", { XDG_CONFIG_HOME: examples.folder }) ?? "";
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    provider = await serveToolset(
      {
        name: "math",
        version: "1.0.0",
        description: "Arithmetic.",
        tools: {
          sum: {
            description: "Adds two numbers.",
            payload: Type.Object({ a: Type.Number(), b: Type.Number() }),
            run: ({ a, b }) => {
              runs++;
              return a + b;
            },
          },
          count: {
            description: "Counts up.",
            payload: Type.Object({ to: Type.Integer() }),
            run: async ({ to }, ctx) => {
              for (let number = 1; number <= to; number++) await ctx.emit(number);
              return `counted to ${to}`;
            },
          },
          hold: {
            description: "Answers when the test says so.",
            payload: Type.Object({}),
            run: async () => {
              runs++;
              await held;
              return "held";
            },
          },
        },
      },
      // The node that stays.
      { nodes: cluster.addresses[2] ?? "", key: cluster.adminKey },
    );
  }, SET_UP_MS);

  afterAll(async () => {
    release();
    await provider?.stop();
    await cluster?.stop();
    await redis?.stop();
    await examples?.remove();
  });

  const start = (...args: readonly string[]): Running =>
    startProgram(program, ["-nodes", cluster.nodes, ...args], { env: { XDG_CONFIG_HOME: examples.folder } });
  const agent = (...args: readonly string[]): Promise<Ended> => start(...args).ended;

  test("discovers", async () => {
    expect(await agent("list")).toMatchObject({
      code: 0,
      stdout: "math/count: Counts up.\nmath/hold: Answers when the test says so.\nmath/sum: Adds two numbers.\n",
    });
  });

  test("sends a key to no other machine, and reads none from a file that others can read", async () => {
    const run = (nodes: string, env: Record<string, string>) =>
      startProgram(program, ["-nodes", nodes, "list"], { env: { XDG_CONFIG_HOME: examples.folder, ...env } }).ended;
    const elsewhere = await run("192.0.2.1:7400", { TOOLGATE_KEY: "secret" });
    expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining("TOOLGATE_KEY is not sent") });
    expect(elsewhere.stderr).not.toContain("secret");
    await chmod(keyFile, 0o640);
    const open = await run(cluster.addresses[0] ?? "", {});
    await chmod(keyFile, 0o600);
    expect(open).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is not used: other users[\s\S]*UNAUTHENTICATED/),
    });
  });

  test("calls a tool; the same ids again run nothing", async () => {
    const before = runs;
    const call = ["-run-id", "run", "-tool-call-id", "first", "call", "math", "sum", '{"a": 1, "b": 2}'];
    for (let repeat = 0; repeat < 3; repeat++) {
      expect(await agent(...call)).toMatchObject({ code: 0, stdout: "result: 3\n" });
    }
    expect(runs).toBe(before + 1);
  });

  test("streams the output of many calls on one session", async () => {
    const { stdout, stderr } = await agent("stream", "math", "count", '{"to": 2}', '{"to": "x"}', '{"to": 3}');
    expect(stderr).toBe("");
    const lines = stdout.split("\n");
    expect(lines.filter((line) => line.startsWith("call 0"))).toEqual(["call 0: 1", "call 0: 2"]);
    expect(lines.filter((line) => line.startsWith("call 2"))).toEqual(["call 2: 1", "call 2: 2", "call 2: 3"]);
    expect(stdout).toMatch(
      /\nresult: "counted to 2"\nrejected: INVALID_PAYLOAD, .* \(executed: no\)\nresult: "counted to 3"\n$/,
    );
  });

  test("reads the details of an error", async () => {
    const { code, stderr } = await agent("call", "math", "sum", '{"a": "one", "b": 2}');
    expect(code).toBe(1);
    expect(stderr).toContain("InvalidArgument: ");
    expect(stderr).toContain("reason INVALID_PAYLOAD, executed no");
    expect(stderr).toMatch(/at "\/a": .*number/);
    expect((await agent("call", "mat", "sum", "{}")).stderr).toContain("reason UNKNOWN_TOOLSET, executed no");
  });

  /** Runs the commands of a page, and gives what they print. */
  const commands = (page: string, name: string, cwd: string): Promise<Ended> =>
    startProgram("sh", ["-c", namedCommands(page, name)], {
      cwd: join(examples.folder, cwd),
      // Go has settings of its own in XDG_CONFIG_HOME.
      env: { TOOLGATE_NODES: cluster.nodes, TOOLGATE_KEY_FILE: keyFile },
    }).ended;

  test("the provider serves agents in any language, and stops when it is told", { timeout: SET_UP_MS }, async () => {
    const serving = startExample("go", "provider", {
      nodes: cluster.nodes,
      folder: examples.folder,
      env: { TOOLGATE_KEY_FILE: keyFile },
    });
    try {
      await serving.says(/serving words, epoch \d+$/m);
      const [, epoch] = /epoch (\d+)$/m.exec(serving.stderr()) ?? [];
      const other = await startExample("javascript", "agent", {
        nodes: cluster.nodes,
        env: { TOOLGATE_KEY_FILE: keyFile },
      }).ended;
      expect(other).toMatchObject({ code: 0, stdout: saidOutput("javascript") });
      const replica = startExample("javascript", "provider", {
        nodes: cluster.nodes,
        env: { TOOLGATE_KEY_FILE: keyFile },
      });
      await replica.says(new RegExp(`^serving words, epoch ${epoch}$`, "m"));
      replica.signal("SIGTERM");
      await replica.ended;

      const own = await commands("examples/go/README.md", "agent", "examples/go");
      expect(own).toMatchObject({ code: 0, stderr: "" });
      const rejected = /^rejected: INVALID_PAYLOAD, .*\(executed: no\)$/gm;
      expect(own.stdout.match(rejected)).toHaveLength(1);
      expect(own.stdout.replace(rejected, "").split("\n").filter(Boolean)).toEqual([
        "math/count: Counts up.",
        "math/hold: Answers when the test says so.",
        "math/sum: Adds two numbers.",
        "words/count_words: Counts the words of a text.",
        "words/spell: Spells a text, letter by letter, with pauses of that many seconds.",
        'result: {"different":4,"words":6}',
        'call 0: {"letter":"a"}',
        'call 0: {"letter":"b"}',
        'call 0: {"letter":"c"}',
        'result: {"letters":3}',
        'result: {"different":1,"words":1}',
      ]);
    } finally {
      expect(await stopInside(serving, "provider")).toMatchObject({ code: 0 });
    }
  });

  test("the commands of docs/clients.md do what they say", { timeout: SET_UP_MS }, async () => {
    const text = await serveToolset(TEXT_TOOLSET, { nodes: cluster.nodes, key: cluster.adminKey });
    try {
      const { code, stdout, stderr } = await commands("docs/clients.md", "go agent", ".");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("text/slugify: Makes a short name");
      expect(stdout).toContain('result: {"slug":"hello-world"}');
      expect(stdout).toMatch(/result: \{"counted":3\}\nresult: \{"counted":5\}\n$/);
    } finally {
      await text.stop();
    }
  });

  test("goes on at another node when the one that has its call is killed, and nothing runs twice", async () => {
    const before = runs;
    // Two agents, so that one is at each of the nodes that go, whichever comes first.
    const waiting = [start("call", "math", "hold", "{}"), start("call", "math", "hold", "{}")];
    await until("both run", () => runs === before + 2);
    await Promise.all([cluster.kill(0), cluster.kill(1)]);
    release();
    for (const { ended } of waiting) expect(await ended).toMatchObject({ code: 0, stdout: 'result: "held"\n' });
    expect(runs).toBe(before + 2);
  });
});
