import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Provider, serveToolset, Type } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { copyExamples, type ExamplesCopy } from "../support/examples.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { type Ended, type Running, startProgram } from "../support/start-program.js";
import { hasLanguage, SET_UP_MS } from "../support/toolchains.js";
import { until } from "../support/until.js";

expectNoLeaks();

describe.skipIf(!hasLanguage("go", "an agent in Go"))("an agent in Go, made from the proto files", () => {
  let program: string;
  let examples: ExamplesCopy;
  let redis: TestRedis;
  let cluster: Cluster;
  let provider: Provider;
  let runs = 0;
  let release = (): void => {};

  beforeAll(async () => {
    examples = await copyExamples();
    await examples.run("go stubs");
    program = join(examples.folder, "examples", "go-agent", "go-agent");
    redis = await privateRedis();
    cluster = await startCluster({ redis, nodes: 3 });
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
      { nodes: cluster.addresses[2] ?? "" },
    );
  }, SET_UP_MS);

  afterAll(async () => {
    release();
    await provider?.stop();
    await cluster?.stop();
    await redis?.stop();
    await examples?.remove();
  });

  const start = (...args: readonly string[]): Running => startProgram(program, ["-nodes", cluster.nodes, ...args]);
  const agent = (...args: readonly string[]): Promise<Ended> => start(...args).ended;

  test("discovers", async () => {
    expect(await agent("list")).toMatchObject({
      code: 0,
      stdout: "math/count: Counts up.\nmath/hold: Answers when the test says so.\nmath/sum: Adds two numbers.\n",
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
