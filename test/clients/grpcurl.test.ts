import { execFile } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Provider, serveToolset, Type } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { goProgram, hasLanguage, SET_UP_MS } from "../support/toolchains.js";

expectNoLeaks();

const SERVICES = [
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
  "toolgate.v1.Access",
  "toolgate.v1.Audit",
  "toolgate.v1.Catalog",
  "toolgate.v1.DeadCalls",
  "toolgate.v1.Documents",
  "toolgate.v1.Gateway",
  "toolgate.v1.Registry",
];

describe.skipIf(!hasLanguage("go", "grpcurl against a cluster"))("grpcurl, by reflection alone", () => {
  let program: string;
  let redis: TestRedis;
  let cluster: Cluster;
  let provider: Provider;

  beforeAll(async () => {
    program = await goProgram("github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3");
    redis = await privateRedis();
    cluster = await startCluster({ redis, nodes: 1 });
    const sum = { description: "Adds.", payload: Type.Object({ a: Type.Number(), b: Type.Number() }) };
    provider = await serveToolset(
      {
        name: "math",
        version: "1.0.0",
        description: "Arithmetic.",
        tools: { sum: { ...sum, run: ({ a, b }) => a + b } },
      },
      { nodes: cluster.nodes },
    );
  }, SET_UP_MS);

  afterAll(async () => {
    await provider?.stop();
    await cluster?.stop();
    await redis?.stop();
  });

  /** What it prints, on both of its outputs, and how it ends. */
  function grpcurl(...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
    return new Promise((resolve) => {
      execFile(program, ["-plaintext", ...args], (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
      );
    });
  }
  const invoke = (call: object, ...flags: readonly string[]) =>
    grpcurl(...flags, "-d", JSON.stringify({ call }), cluster.nodes, "toolgate.v1.Gateway/Invoke");
  const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64");

  test("lists and describes all services, and what they are made of", async () => {
    expect(await grpcurl(cluster.nodes, "list")).toEqual({ code: 0, text: `${SERVICES.join("\n")}\n` });
    for (const service of SERVICES) {
      const { code, text } = await grpcurl(cluster.nodes, "describe", service);
      expect({ code, text }).toMatchObject({ code: 0, text: expect.stringContaining(`${service} is a service:`) });
    }
    const contract = await grpcurl(cluster.nodes, "describe", "toolgate.v1.ToolAnnotations");
    expect(contract.text).toContain("optional bool read_only_hint = 1;");
    const info = await grpcurl(cluster.nodes, "describe", "google.rpc.ErrorInfo");
    expect(info.text).toContain("map<string, string> metadata = 3;");
    const template = await grpcurl("-msg-template", cluster.nodes, "describe", "toolgate.v1.RegisterRequest");
    expect(template.text).toContain('"payloadSchemaJson"');
  });

  test("asks for health", async () => {
    const { code, text } = await grpcurl(cluster.nodes, "grpc.health.v1.Health/Check");
    expect({ code, answer: JSON.parse(text) }).toEqual({ code: 0, answer: { status: "SERVING" } });
    const list = await grpcurl(cluster.nodes, "grpc.health.v1.Health/List");
    expect(JSON.parse(list.text)).toMatchObject({ statuses: { "toolgate.v1.Gateway": { status: "SERVING" } } });
  });

  test("calls a tool", async () => {
    const { code, text } = await invoke({ toolset: "math", tool: "sum", payloadJson: base64({ a: 1, b: 2 }), wait: 2 });
    expect(code, text).toBe(0);
    expect(JSON.parse(text)).toMatchObject({
      handle: { toolset: "math", tool: "sum" },
      terminal: { kind: "TERMINAL_KIND_RESULT", resultJson: base64(3), executed: "EXECUTED_YES" },
    });
  });

  test.each([
    ["", []],
    [", told at length", ["-v"]],
  ])("decodes the details of an error%s", async (_how, flags) => {
    const { text } = await invoke({ toolset: "math", tool: "sum", payloadJson: base64({ a: "one", b: 2 }) }, ...flags);
    expect(text).toContain("Code: InvalidArgument");
    const [, ...details] = (text.split("Details:")[1] ?? "").split(/^ *\d+\)/m);
    expect(details.map((detail) => JSON.parse(detail))).toMatchObject([
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "INVALID_PAYLOAD",
        domain: "toolgate",
        metadata: { executed: "no" },
      },
      { "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field: "/a" }] },
    ]);
    expect(text).not.toContain("@error");
  });

  test("is told of an enum's number that nobody knows", async () => {
    const { text } = await invoke({ toolset: "math", tool: "sum", wait: 99 });
    expect(text).toContain("Code: InvalidArgument");
    expect(text).toContain("call.wait must be a value of toolgate.v1.WaitPolicy that this node knows");
  });
});
