import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.js";
import { opsRoutes } from "../../../src/front/ops/ops-routes.js";
import { connect, type Provider, type Toolgate } from "../../../src/index.js";
import { createNode, type GatewayNode } from "../../../src/node.js";
import { createLogger } from "../../../src/observe/logger.js";
import { MetricsRegistry } from "../../../src/observe/metrics/metrics-registry.js";
import { FAST } from "../../cluster/fast.js";
import { gate, type Ledger, serveLab } from "../../cluster/tools.js";
import { json, specOf, wireTo } from "../../cluster/wire.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { type OtlpReceiver, startOtlpReceiver } from "../../support/otlp-receiver.js";
import { privateRedis, type TestRedis } from "../../support/redis.js";
import { until } from "../../support/until.js";
import { ask as askRpc } from "../grpc/ask.js";

expectNoLeaks();

let redis: TestRedis;
let collector: OtlpReceiver;
let node: GatewayNode;
let agent: Toolgate;
let provider: Provider;
let ops: string;
let http: string;
let address: string;
const lines: { readonly event: string }[] = [];
const held = gate();
const ledger: Ledger = { runs: [] };

beforeAll(async () => {
  redis = await privateRedis();
  collector = await startOtlpReceiver();
  const log = createLogger({ level: "info", to: { write: (line) => lines.push(JSON.parse(line)) } });
  const listens = { listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", opsListen: "127.0.0.1:0" };
  // A busy machine does not make the provider unhealthy.
  const flags = { ...FAST, missedPings: 100, ...listens, redisUrl: redis.url, audit: "calls" };
  const pushes = { metricsPush: collector.url, metricsPushMs: 1_000 };
  node = createNode(parseConfig({ env: {}, flags: { ...flags, ...pushes } }), { log });
  const started = await node.start();
  address = started.address;
  ops = started.opsAddress ?? "";
  http = `http://${started.httpAddress}`;
  agent = await connect(address);
  provider = await serveLab(ledger, { nodes: address, maxInFlight: 8 }, held);
  await until("the toolset can be called", async () => (await agent.get("lab")).healthy);
});
afterAll(async () => {
  held.open();
  await agent?.close();
  await provider?.stop({ graceMs: 0 });
  await node?.stop();
  await collector?.stop();
  await redis?.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

async function ask(
  path: string,
  more: { method?: string; headers?: NodeJS.Dict<string | string[]>; body?: string } = {},
) {
  const [host = "", port = ""] = ops.split(":");
  return new Promise<Answer>((resolve, reject) => {
    const asking = request({
      host,
      port,
      path,
      method: more.method ?? "GET",
      headers: more.headers ?? {},
      agent: false,
    });
    asking.on("error", reject);
    asking.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on("error", reject);
    });
    asking.end(more.body);
  });
}

/** The values of a metric's series by the text of their labels. */
async function seriesOf(name: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await ask("/metrics");
  const found = [...body.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, "gm"))];
  return new Map(found.map(([, labels = "", value]) => [labels, Number(value)]));
}

async function sumOf(name: string, label = ""): Promise<number> {
  return [...(await seriesOf(name))].reduce((sum, [labels, value]) => (labels.includes(label) ? sum + value : sum), 0);
}

test("a call whose record Redis has lost is counted as it ended", async () => {
  const call = agent.invoke("lab", "hold", {}, { timeoutMs: 30_000 });
  const outcome = call.catch(({ reason }: { reason: string }) => reason);
  await until("it runs", () => ledger.runs.some(({ tool }) => tool === "hold"));
  const client = redis.client();
  const { callId } = ledger.runs.at(-1)?.context ?? {};
  for (const key of await client.keys(`*call:${callId}`)) await client.del(key);
  client.disconnect();
  expect(await outcome).toBe("STATE_LOST");
  expect(await sumOf("toolgate_call_ends_total", 'reason="STATE_LOST"')).toBe(1);
});

test("connections and streams are measured by front, and requests of HTTP by route", async () => {
  await (await fetch(`${http}/livez`)).text();
  await until("the answer is counted", async () => (await sumOf("toolgate_http_requests_total")) > 0);
  const requests = await seriesOf("toolgate_http_requests_total");
  expect(requests.get('method="GET",route="/livez",status="2xx"')).toBe(1);
  for (const name of ["toolgate_connections", "toolgate_streams"])
    expect([...(await seriesOf(name)).keys()]).toEqual(['front="grpc"', 'front="http"']);
  expect((await seriesOf("toolgate_streams")).get('front="grpc"')).toBeGreaterThan(0);
});

test("what is counted of calls is what the audit has recorded, for each outcome", async () => {
  const failing = (tool: "fail" | "liar") => agent.invoke("lab", tool, {}).catch(() => {});
  await Promise.all(Array.from({ length: 20 }, (_, a) => agent.invoke("lab", "sum", { a, b: 1 })));
  await failing("fail");
  await failing("liar");
  const refused = [
    agent.invoke("lab", "sum", { a: "no number" } as never),
    agent.invoke("lab", "missing", {}),
    ...Array.from({ length: 30 }, (_, i) => agent.invoke(`made-up-${i}`, "sum", {})),
  ];
  for (const { status } of await Promise.allSettled(refused)) expect(status).toBe("rejected");
  // Cancelled while it ran, and while it waited.
  const running = await agent.call("lab", "hold", {});
  await until("it runs", () => ledger.runs.filter(({ tool }) => tool === "hold").length === 2);
  await agent.cancel(running.callId);
  const stubborn = Array.from({ length: 4 }, () => agent.invoke("lab", "stubborn", {}, { timeoutMs: 1_500 }));
  await until("they run", () => ledger.runs.filter(({ tool }) => tool === "stubborn").length === 4);
  const more = Array.from({ length: 4 }, () => agent.invoke("lab", "stubborn", {}, { timeoutMs: 1_500 }));
  await until("the provider has no room", () => ledger.runs.filter(({ tool }) => tool === "stubborn").length === 8);
  const waiting = await agent.call("lab", "sum", { a: 1, b: 1 });
  await agent.cancel(waiting.callId);
  // Those that do not stop in time.
  await Promise.allSettled([...stubborn, ...more]);

  const audited = new Map<string, number>();
  const count = (key: string, by = 1) => audited.set(key, (audited.get(key) ?? 0) + by);
  await until("all that was made has ended, and is recorded", async () => {
    audited.clear();
    for await (const record of agent.audit.query({})) {
      if (record.event === "call") count("admitted");
      if (record.event === "end") count(record.outcome);
      if (record.event === "refusal") count("rejected", record.omitted || 1);
    }
    return audited.get("admitted") === 33 && audited.get("rejected") === 32 && audited.get("outcome_unknown") === 9;
  });
  expect(Object.fromEntries(audited)).toEqual({
    ...{ admitted: 33, result: 20, tool_error: 2, cancelled: 1, not_executed: 1, outcome_unknown: 9, rejected: 32 },
  });
  expect(await sumOf("toolgate_calls_admitted_total")).toBe(33);
  for (const [outcome, times] of audited) {
    if (outcome === "admitted") continue;
    expect(await sumOf("toolgate_calls_total", `outcome="${outcome}"`), outcome).toBe(times);
  }
  expect(await sumOf("toolgate_call_seconds_count")).toBe(33);
  expect(
    await sumOf("toolgate_call_queue_seconds_count"),
    "all but one that was never claimed, and one of which that is not known",
  ).toBe(31);
  expect((await seriesOf("toolgate_calls_total")).get('toolset="lab",tool="sum",outcome="result"')).toBe(20);
  expect([...(await seriesOf("toolgate_call_ends_total")).keys()]).toContain(
    'outcome="tool_error",reason="INVALID_RESULT"',
  );
  expect(await sumOf("toolgate_refusals_total", 'verb="call",reason="UNKNOWN_TOOLSET"')).toBe(30);
  expect((await ask("/metrics")).body, "no name that callers made up").not.toContain("made-up");
});

test("a call that is traced names its trace in its bucket, however it came; one that is not sampled does not", async () => {
  held.open(); // so that the provider has room again
  const client = wireTo(address);
  const idOf = (digit: string) => digit.repeat(32);
  const sampled = (digit: string, flags = "01") => `00-${idOf(digit)}-00f067aa0ba902b7-${flags}`;
  const payload = { a: 1, b: 1 };
  // On a session, by Invoke, by HTTP.
  await agent.invoke("lab", "sum", payload, { traceparent: sampled("a") });
  const ran = async (digit: string): Promise<void> => {
    const { body } = await ask("/metrics", { headers: { accept: "application/openmetrics-text" } });
    const [, labels, le, value = "", atS = ""] =
      new RegExp(
        `^toolgate_call_seconds_bucket\\{(.*),le="(.*)"\\} [1-9][0-9]* # \\{trace_id="${idOf(digit)}"\\} (\\S+) (\\S+)$`,
        "m",
      ).exec(body) ?? [];
    expect(labels, digit).toBe('toolset="lab",tool="sum"');
    expect(Number(value)).toBeLessThanOrEqual(Number(le));
    expect(Math.abs(Number(atS) * 1_000 - Date.now())).toBeLessThan(60_000);
  };
  await ran("a");
  try {
    const call = specOf("lab", "sum", { payloadJson: json(payload), meta: { traceparent: sampled("b") } });
    await askRpc((callback) => client.gateway.invoke({ call }, callback));
    await ran("b");
  } finally {
    client.close();
  }
  const byHttp = async (traceparent: string): Promise<string> => {
    const answer = await fetch(`${http}/v1/toolsets/lab/tools/sum:call`, {
      method: "POST",
      headers: { "content-type": "application/json", traceparent },
      body: JSON.stringify(payload),
    });
    return `${answer.status} ${await answer.text()}`;
  };
  expect(await byHttp(sampled("c"))).toBe("200 2");
  await ran("c");
  expect(await byHttp(sampled("d", "00"))).toBe("200 2");
  expect((await ask("/metrics", { headers: { accept: "application/openmetrics-text" } })).body).not.toContain(
    idOf("d"),
  );
});

test("what limits refuse is counted by the document, and by what it counts", async () => {
  const few = { kind: "limit", name: "few" };
  const rate = { calls: 1, perMs: 3_600_000 };
  await agent.documents.apply([{ ...few, body: { per: "tool", rate, match: { toolsets: ["lab"], tools: ["sum"] } } }]);
  try {
    const call = () => agent.invoke("lab", "sum", { a: 1, b: 1 });
    await until("it holds", () =>
      call().then(
        () => false,
        ({ reason }) => reason === "RATE_LIMITED",
      ),
    );
    const before =
      (await seriesOf("toolgate_limit_refusals_total")).get('tenant="default",limit="few",kind="rate"') ?? 0;
    await expect(call()).rejects.toMatchObject({ reason: "RATE_LIMITED" });
    const series = await seriesOf("toolgate_limit_refusals_total");
    expect(series.get('tenant="default",limit="few",kind="rate"')).toBe(before + 1);
    expect(series.get('tenant="_other",limit="_other",kind="rate"')).toBe(0);
    expect(await sumOf("toolgate_limit_refusals_total")).toBe(
      await sumOf("toolgate_refusals_total", 'reason="RATE_LIMITED"'),
    );
  } finally {
    await agent.documents.apply([{ ...few, remove: true }]);
  }
});

test("the state of the node's parts is read when it is scraped", async () => {
  const [info] = await seriesOf("toolgate_node_info");
  expect(info).toEqual([expect.stringMatching(/^node="[^"]+",registry="default",version="\d/), 1]);
  for (const [name, value] of [
    ["toolgate_node_ready", 1],
    ["toolgate_redis_ready", 1],
    ["toolgate_provider_room", 8],
    ["toolgate_redis_connects_total", 1],
  ] as const)
    expect(await sumOf(name), name).toBe(value);
  expect(await seriesOf("toolgate_toolsets")).toEqual(
    new Map([
      ['health="healthy"', 1],
      ['health="unhealthy"', 0],
    ]),
  );
  expect((await seriesOf("toolgate_backlog_calls")).has('toolset="lab"')).toBe(true);
  expect(await sumOf("toolgate_redis_script_seconds_count", "ADMIT")).toBeGreaterThan(0);
  expect(await sumOf("toolgate_provider_pongs_total")).toBeGreaterThan(0);
  expect(await sumOf("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(await sumOf("toolgate_loop_seconds_total", "active")).toBeGreaterThan(0);
});

test("a collector is sent what is scraped: the same names, labels and values", async () => {
  const mayDiffer = /^(process_|toolgate_(loop|heap|gc|redis|log|provider_p[io]ngs|held|connections|streams))/;
  await until("both say the same", async () => {
    const { body } = await ask("/metrics");
    const scraped = [...body.matchAll(/^([a-z_]+)(\{.*\})? (\S+)$/gm)]
      .filter(([, name = ""]) => !mayDiffer.test(name))
      .map(([, name, labels = "", value]) => `${name}${labels} ${value}`);
    const sent = (collector.metrics.at(-1) ?? [])
      .filter(({ name }) => !mayDiffer.test(name))
      .flatMap(({ name, points }) =>
        points.flatMap(({ attributes, value, sum, buckets, bounds = [] }) => {
          const labels = Object.entries(attributes).map(([label, text]) => `${label}="${text}"`);
          const line = (suffix: string, count: number, more: readonly string[] = []) => {
            const all = [...labels, ...more].join(",");
            return `${name}${suffix}${all === "" ? "" : `{${all}}`} ${count}`;
          };
          if (buckets === undefined) return [line("", value)];
          let below = 0;
          const counted = buckets.map((count, place) => {
            below += count;
            const bound = bounds[place];
            const le = bound === undefined ? "+Inf" : Number.isInteger(bound) ? `${bound}.0` : String(bound);
            return line("_bucket", below, [`le="${le}"`]);
          });
          return [...counted, line("_sum", sum ?? 0), line("_count", value)];
        }),
      );
    expect(sent).toEqual(scraped);
    return scraped.some((line) => line.startsWith("toolgate_call_seconds_count"));
  });
});

test("OpenMetrics is answered where it is asked for, and gzip", async () => {
  const headers = { accept: "application/openmetrics-text; version=1.0.0", "accept-encoding": "gzip" };
  const packed = await ask("/metrics", { headers });
  expect(packed.headers).toMatchObject({
    "content-encoding": "gzip",
    "content-type": /^application\/openmetrics-text/,
  });
  const plain = await ask("/metrics", { headers: { accept: headers.accept } });
  expect(plain.body).toMatch(/# EOF\n$/);
});

describe("without a credential, on a loopback address", () => {
  test("the node says that it lives, whether it is ready, and what of", async () => {
    expect(await ask("/livez")).toMatchObject({ status: 200, body: "ok\n" });
    expect(await ask("/readyz")).toMatchObject({ status: 200, body: "ok\n" });
    const { status, body } = await ask("/healthz");
    expect([status, JSON.parse(body)]).toMatchObject([200, { status: "ok", parts: { redisAnswers: true } }]);
  });

  test("web pages are refused, by their origin and by names that they have resolve to this machine", async () => {
    for (const headers of [
      { origin: "https://evil.example" },
      { host: "evil.example:7481" },
      { host: "127.0.0.1.evil.example" },
    ])
      expect(await ask("/metrics", { headers }), JSON.stringify(headers)).toMatchObject({ status: 403 });
    for (const host of ["localhost:7481", "[::1]:7481", "127.0.0.1"])
      expect(await ask("/livez", { headers: { host } }), host).toMatchObject({ status: 200 });
  });

  test("other routes, methods and too much are refused", async () => {
    expect(await ask("/")).toMatchObject({ status: 404 });
    expect(await ask("/metrics/../debug/heap")).toMatchObject({ status: 404 });
    expect(await ask("/metrics", { method: "POST" })).toMatchObject({ status: 404 });
    expect(await ask("/loglevel", { method: "PUT", body: "x".repeat(2_000) })).toMatchObject({ status: 400 });
    expect(await ask("/livez", { headers: { "x-long": "x".repeat(20_000) } })).toMatchObject({ status: 431 });
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`x-${i}`, "1"]));
    expect(await ask("/livez", { headers: many })).toMatchObject({ status: 431 });
    expect(await ask("/metrics", { method: "HEAD" })).toMatchObject({ status: 200, body: "" });
  });

  test("the level of the log is changed while the node runs, and what it is not is refused", async () => {
    expect(await ask("/loglevel", { method: "PUT", body: "loud" })).toMatchObject({ status: 400 });
    expect(await ask("/loglevel?seconds=0", { method: "PUT", body: "debug" })).toMatchObject({ status: 400 });
    expect(await ask("/loglevel", { method: "PUT", body: "error\n" })).toMatchObject({ status: 200, body: "error\n" });
    expect(await ask("/loglevel")).toMatchObject({ body: "error\n" });
    expect(await ask("/loglevel?seconds=1", { method: "PUT", body: "debug" })).toMatchObject({ status: 200 });
    await until("it goes back to what is configured", async () => (await ask("/loglevel")).body === "info\n");
    expect(lines.filter(({ event }) => event === "log_level_changed").length).toBeGreaterThanOrEqual(4);
  });

  test("profiles are taken, one at a time", async () => {
    const [one, other] = await Promise.all([ask("/debug/cpu?seconds=1"), ask("/debug/allocations?seconds=1")]);
    expect([one.status, other.status].toSorted()).toEqual([200, 429]);
    const taken = [one, other].find(({ status }) => status === 200);
    expect(taken?.headers["content-disposition"]).toMatch(/toolgate\.(cpu|heap)profile/);
    expect(JSON.parse(taken?.body ?? "")).toHaveProperty(one === taken ? "nodes" : "head");
    expect(await ask("/debug/cpu?seconds=61")).toMatchObject({ status: 400 });
  });
});

test("while Redis stands still the node is not ready, and lives; then it is ready again", async () => {
  await redis.freeze();
  try {
    await until("it is not ready", async () => (await ask("/readyz")).status === 503);
    expect(await ask("/livez")).toMatchObject({ status: 200 });
    const unready = await fetch(`${http}/readyz`);
    expect([unready.status, await unready.json()]).toEqual([503, { status: "unavailable" }]);
    expect((await fetch(`${http}/livez`)).status).toBe(200);
    expect(await ask("/metrics"), "what needs Redis is left out").toMatchObject({ status: 200 });
  } finally {
    await redis.thaw();
  }
  await until("it is ready", async () => (await ask("/readyz")).status === 200);
  expect((await fetch(`${http}/readyz`)).status).toBe(200);
});

test("once the registry has credentials, diagnostics take one of an operator, and health none", async () => {
  const { key } = await agent.access.createKey({ principal: "root", roles: ["admin"] });
  await until("the registry is closed", async () => (await ask("/loglevel")).status === 401);
  const admin = await connect(address, { key });
  const keyOf = async (role: string) => (await admin.access.createKey({ principal: role, roles: [role] })).key;
  const asRole = async (path: string, role: string, more = {}) =>
    ask(path, { ...more, headers: { authorization: `Bearer ${await keyOf(role)}` } });
  expect(await asRole("/loglevel", "operator")).toMatchObject({ status: 200 });
  expect(await asRole("/loglevel", "auditor")).toMatchObject({ status: 403 });
  expect(await asRole("/debug/heap", "agent")).toMatchObject({ status: 403 });
  // As the listener serves them: one that is added is asked here, too.
  const routes = opsRoutes({
    metrics: new MetricsRegistry(),
    health: async () => ({ ready: true, parts: {} }),
    log: createLogger({ level: "silent", to: { write() {} } }),
    settings: () => [],
  });
  const open = [...routes].filter(([, { needs }]) => needs === "nothing").map(([route]) => route);
  expect(open, "what anybody may ask").toEqual(["GET /livez", "GET /readyz", "GET /healthz"]);
  const agentKey = await keyOf("agent");
  for (const [route, { needs }] of routes) {
    if (needs !== "operate") continue;
    const [method = "", path = ""] = route.split(" ");
    for (const [authorization, status] of [
      [undefined, 401],
      ["Bearer made-up", 401],
      [`Bearer ${agentKey}`, 403],
    ] as const) {
      const headers = { "x-forwarded-user": "root", ...(authorization === undefined ? {} : { authorization }) };
      expect((await ask(path, { method, headers })).status, `${route} ${authorization}`).toBe(status);
    }
  }
  await admin.close();
  expect(await ask("/debug/heap")).toMatchObject({ status: 401, headers: { "www-authenticate": "Bearer" } });
  expect(await ask("/debug/heap", { headers: { authorization: ["Bearer a", "Bearer b"] } })).toMatchObject({
    status: 401,
  });
  expect(await ask("/metrics"), "only this machine reaches it").toMatchObject({ status: 200 });
  expect(await ask("/readyz")).toMatchObject({ status: 200 });
});
