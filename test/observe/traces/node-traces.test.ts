import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLogger } from "../../../src/observe/logger.js";
import { NodeTraces, type NodeTracesSettings } from "../../../src/observe/traces/node-traces.js";
import { startToolgate } from "../../cmd/run-toolgate.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { type OtlpReceiver, startOtlpReceiver } from "../../support/otlp-receiver.js";

expectNoLeaks();

const SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED = SAMPLED.replace(/01$/, "00");
const CALL = {
  ...{ rpc: "toolgate.v1.Gateway/Invoke", toolset: "files", tool: "read" },
  ...{ toolCallId: undefined, conversation: undefined, context: { traceparent: SAMPLED }, transport: undefined },
};

let collector: OtlpReceiver;
let nowMs: number;
let faults: object[];
beforeEach(async () => {
  collector = await startOtlpReceiver();
  nowMs = 0;
  faults = [];
});
afterEach(() => collector.stop());

async function started(more: Partial<NodeTracesSettings> = {}): Promise<NodeTraces> {
  const traces = new NodeTraces({
    url: `${collector.url}/v1/traces`,
    ...{ ratio: 0, maxPerSecond: 100, version: "1.2.3", node: "n-1", registry: "default", random: () => 0.5 },
    ...{ monotonicMs: () => nowMs, redisNowMs: () => Date.now() },
    log: createLogger({ level: "silent" }),
    faults: { warn: (fields) => void faults.push(fields) },
    ...more,
  });
  await traces.start();
  return traces;
}

/** How many of these calls are traced. */
const tracedOf = (traces: NodeTraces, traceparents: readonly (string | undefined)[]): number =>
  traceparents.filter((traceparent) => {
    const span = traces.samples(traceparent) ? traces.call(CALL) : undefined;
    span?.left();
    return span !== undefined;
  }).length;

describe("which calls are traced", () => {
  test("those whose context is sampled", async () => {
    const traces = await started();
    expect(tracedOf(traces, [UNSAMPLED, undefined])).toBe(0);
    expect(tracedOf(traces, [SAMPLED])).toBe(1);
    await traces.stop();
    expect(collector.spans.map(({ name }) => name)).toEqual(["admit", "execute_tool read"]);
  });

  test.each([
    [0.5, 0.5, 0],
    [0.5, 0.49, 1],
    [1, 0.999, 1],
  ])("with a ratio of %d and a chance of %d, %d of those without context", async (ratio, chance, traced) => {
    const traces = await started({ ratio, random: () => chance });
    expect(tracedOf(traces, [undefined])).toBe(traced);
    expect(tracedOf(traces, [UNSAMPLED])).toBe(0);
    await traces.stop();
  });

  test("no more than so many in a second, whatever their callers say", async () => {
    const traces = await started({ maxPerSecond: 3 });
    const ten = Array.from({ length: 10 }, () => SAMPLED);
    expect(tracedOf(traces, ten)).toBe(3);
    nowMs = 999;
    expect(tracedOf(traces, ten)).toBe(0);
    nowMs = 1_000;
    expect(tracedOf(traces, ten)).toBe(3);
    await traces.stop();
  });
});

test("what a collector does not take is a fault, and keeps nobody from stopping", async () => {
  const traces = await started({ url: `${collector.url}/elsewhere` });
  tracedOf(traces, [SAMPLED]);
  await traces.stop();
  expect(faults).toMatchObject([{ event: "traces_not_sent", error: expect.any(Error) }]);
});

test("a node that lacks what sends spans does not start, and says how to install it", async () => {
  const absent = `export async function resolve(specifier, context, next) {
    if (!specifier.startsWith("@opentelemetry/sdk-trace-base")) return next(specifier, context);
    throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
  }`;
  const register = `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(absent)}");`;
  const env = {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(register)}`,
    TOOLGATE_TRACES: collector.url,
    REDIS_URL: "redis://127.0.0.1:1",
  };
  const { code, stderr } = await startToolgate(["serve", "--listen", "127.0.0.1:0"], { env }).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("npm install @opentelemetry/sdk-trace-base@2 @opentelemetry/exporter-trace-otlp-http@0.223");
  expect(stderr).toContain("TOOLGATE_TRACES=off");
});
