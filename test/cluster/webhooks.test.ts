import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, defineTool, type Provider, rawJson, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { problem } from "../front/http/http-echo.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { type RestClient, restClient } from "../support/served-answers.js";
import { until } from "../support/until.js";
import { type WebhookReceiver, webhookReceiver } from "../support/webhook-receiver.js";
import { STEADY } from "./fast.js";
import { gate, lab } from "./tools.js";

/** Webhooks are told how calls end: signed, by any node, again until they have taken it, and nowhere where they may not be. */

expectNoLeaks();

/** Whose secret no log line, metric or stored value may have. */
const SECRET = `whsec_${randomBytes(32).toString("base64")}`;

let redis: TestRedis;
let link: ReturnType<TestRedis["client"]>;
let cluster: Cluster;
let receiver: WebhookReceiver;
let client: Toolgate;
let provider: Provider;
let folder = "";
/** At the node that is lost, and at the one that stays. */
let rest: readonly [RestClient, RestClient];
const held = gate();

beforeAll(async () => {
  redis = await privateRedis();
  link = redis.client();
  receiver = await webhookReceiver();
  folder = await mkdtemp(join(tmpdir(), "toolgate-webhooks-"));
  await mkdir(join(folder, "default"));
  await writeFile(join(folder, "default", "main"), `${SECRET}\n`, { mode: 0o600 });
  const config = {
    ...STEADY,
    ...{ httpListen: "127.0.0.1:0", opsListen: "127.0.0.1:0", logLevel: "debug" },
    ...{ egressAllow: "127.0.0.1", webhookSecrets: folder, webhookBackoffMs: 50 },
  };
  cluster = await startCluster({ redis, config, nodes: 2 });
  rest = [
    await restClient(`http://${cluster.httpAddress(0)}`),
    await restClient(`http://${cluster.httpAddress(1)}`),
  ] as const;
  const stays = cluster.addresses[1] ?? "";
  client = await connect(stays);
  const tools = lab({ runs: [] }, held);
  const echo = defineTool({
    payload: Type.Object({ text: Type.String() }),
    run: ({ text }) => rawJson(`{ "text":"${text}","n":10.50 }`),
  });
  const fail = defineTool({
    payload: Type.Object({}),
    run: () => {
      throw new Error("the canary of a tool");
    },
  });
  provider = await serveToolset({ ...tools, tools: { ...tools.tools, echo, fail } }, { nodes: stays });
  await until("the toolset can be called", async () => (await client.get("lab")).healthy);
});
afterAll(async () => {
  held.open();
  await provider?.stop();
  await client?.close();
  await cluster?.stop();
  await receiver?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

const urlOf = (path: string): string => `http://127.0.0.1:${receiver.port}${path}`;

/** Makes a webhook, whose messages come to the path of its name. */
async function make(name: string, more: object = {}): Promise<string> {
  const body = { url: urlOf(`/${name}`), secrets: ["main"], ...more };
  await client.documents.apply([{ kind: "webhook", name, body }]);
  return `/${name}`;
}

/** Messages that have come to a path, as many as are awaited, each verified. */
async function received(path: string, count = 1) {
  await until(`${count} messages come to ${path}`, () => receiver.of(path).length >= count);
  return receiver.of(path).map(({ headers, body }) => {
    const proof = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    const message = new Webhook(SECRET).verify(body, proof) as { type: string; data: Record<string, unknown> };
    return { ...message, id: headers["webhook-id"], body };
  });
}

function callBy(at: RestClient, tool: string, payload: string, headers: Readonly<Record<string, string>> = {}) {
  return at.ask(`/v1/toolsets/lab/tools/${tool}:call`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: payload,
  });
}

test("a call that asks for it by name is told once, and the others are not", async () => {
  const path = await make("named");
  await client.invoke("lab", "sum", { a: 1, b: 2 });
  const { callId } = await client.call("lab", "sum", { a: 20, b: 22 }, { webhook: "named" });
  const [message] = await received(path);
  expect(message).toMatchObject({
    type: "call.ended",
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    data: {
      ...{ callId, toolset: "lab", tool: "sum", epoch: expect.any(Number) },
      ...{ tenant: "default", principal: expect.any(String) },
      ...{ kind: "result", executed: "yes", attempt: 1 },
      ...{ admittedAtMs: expect.any(Number), startedAtMs: expect.any(Number), endedAtMs: expect.any(Number) },
    },
  });
  expect(message?.body).not.toContain("42");
  await client.call("lab", "sum", { a: 1, b: 1 }, { webhook: "named" });
  expect((await received(path, 2)).map(({ data }) => data.callId)).toHaveLength(2);
});

test("a document's own calls are told, with what they carry where it says so, to the byte and within its bound", async () => {
  const path = await make("carries", {
    match: { toolsets: ["lab"], tools: ["echo", "fail"] },
    ...{ outcomes: ["result", "tool_error"], includeResult: true, maxResultBytes: 40_000 },
  });
  await callBy(rest[1], "echo", '{"text":"small"}');
  await callBy(rest[1], "echo", JSON.stringify({ text: "x".repeat(30_000) })); // read apart, since it is large
  await callBy(rest[1], "echo", JSON.stringify({ text: "x".repeat(50_000) }));
  await callBy(rest[1], "fail", "{}");
  const messages = await received(path, 4);
  expect(messages.filter(({ body }) => body.includes('","n":10.50 }'))).toHaveLength(2); // as it was written
  const told = messages.map(({ data: { result, error, omitted } }) => ({ result, error, omitted }));
  expect(told).toHaveLength(4);
  expect(told).toEqual(
    expect.arrayContaining([
      { result: { text: "small", n: 10.5 } },
      { result: { text: "x".repeat(30_000), n: 10.5 } },
      { omitted: "too_large" },
      { error: { message: expect.stringContaining("canary of a tool") } },
    ]),
  );
  await client.documents.apply([{ kind: "webhook", name: "carries", remove: true }]);
});

test("ends that a webhook does not want are not told", async () => {
  const path = await make("failures", { match: { tools: ["sum", "fail"] }, outcomes: ["tool_error"] });
  await client.invoke("lab", "sum", { a: 1, b: 2 });
  await callBy(rest[1], "fail", "{}");
  const [message] = await received(path);
  expect(message?.data).toMatchObject({ tool: "fail", kind: "tool_error" });
  await until("nothing waits", async () => (await queued("failures")) === 0);
  expect(receiver.of(path)).toHaveLength(1);
  expect(message?.body).not.toContain("canary of a tool");
  await client.documents.apply([{ kind: "webhook", name: "failures", remove: true }]);
});

/** How many deliveries of a webhook wait. */
async function queued(name: string): Promise<number> {
  return link.zcard(`toolgate:{default/0}:webhook-due:default/${name}`);
}

/** Deliveries of a webhook that were given up, as they are kept. */
async function givenUp(name: string): Promise<readonly (readonly string[])[]> {
  const entries = await link.xrange(`toolgate:{default/0}:webhook-failed:default/${name}`, "-", "+");
  return entries.map(([, fields]) => fields);
}

test("a receiver that fails is told again, with the same id, until it takes it; a 410 ends it", async () => {
  const path = await make("fails");
  receiver.answer(path, [500, { status: 429, headers: { "retry-after": "0" } }, 204]);
  await client.call("lab", "sum", { a: 1, b: 2 }, { webhook: "fails" });
  const messages = await received(path, 3);
  expect(new Set(messages.map(({ id }) => id)).size).toBe(1);
  expect(new Set(messages.map(({ body }) => body)).size).toBe(1);
  await until("it has taken it", async () => (await queued("fails")) === 0);
  expect(await givenUp("fails")).toEqual([]);

  receiver.answer(path, [410]);
  const { callId } = await client.call("lab", "sum", { a: 2, b: 2 }, { webhook: "fails" });
  const [fields] = await until("it is given up", async () => {
    const all = await givenUp("fails");
    return all.length > 0 && all;
  });
  expect(fields?.slice(0, 6)).toEqual(["call", callId, "why", "STATUS_410", "attempts", "1"]);
  expect(receiver.of(path)).toHaveLength(4);
});

test("no private address is reached, by URL or by redirect, and the document's author is told why", async () => {
  const elsewhere = await webhookReceiver("127.0.0.2");
  try {
    await make("private", { url: `https://127.0.0.2:${elsewhere.port}/private` });
    const path = await make("redirects");
    receiver.answer(path, [{ status: 307, headers: { location: `http://127.0.0.2:${elsewhere.port}/redirected` } }]);
    const calls = ["private", "redirects"].map((webhook) => client.call("lab", "sum", { a: 1, b: 2 }, { webhook }));
    await Promise.all(calls);
    await received(path, 2);
    const log = () => [...cluster.output(0), ...cluster.output(1)].join("\n");
    await until("the log says so", () => /webhook_not_told.*default\/private/.test(log()));
    expect(log()).toMatch(/127\.0\.0\.2 is no public address/);
    for (const name of ["private", "redirects"])
      await client.documents.apply([{ kind: "webhook", name, remove: true }]);
    expect(elsewhere.messages).toEqual([]);
  } finally {
    await elsewhere.stop();
  }
});

test("a secret that is not there yet is waited for", async () => {
  const path = await make("unsigned", { secrets: ["later"] });
  await client.call("lab", "sum", { a: 1, b: 2 }, { webhook: "unsigned" });
  const log = () => [...cluster.output(0), ...cluster.output(1)].join("\n");
  await until("the log says so", () => /webhook_not_told.*default\/unsigned/.test(log()));
  await writeFile(join(folder, "default", "later"), SECRET);
  await received(path);
});

test("a webhook that is not there is refused, and so is what is no name", async () => {
  for (const webhook of ["none-such", "../named", "https://example.com/"]) {
    const refused = await problem(callBy(rest[1], "sum", '{"a":1,"b":2}', { "toolgate-webhook": webhook }));
    expect(refused).toMatchObject({ status: 400, executed: "no", violations: [{ field: "call.webhook" }] });
  }
});

test("a node that is killed after it has accepted a call loses no message: another one tells it", async () => {
  const path = await make("survives");
  const accepted = await callBy(rest[0], "hold", "{}", {
    ...{ prefer: "respond-async", "toolgate-webhook": "survives" },
    ...{ "idempotency-key": "survives" },
  });
  expect(accepted.status).toBe(202);
  const { callId } = (await accepted.json()) as { readonly callId: string };
  await cluster.kill(0);
  held.open();
  const [message] = await received(path);
  expect(message?.data).toMatchObject({ callId, tool: "hold", kind: "result" });
});

test("many ends are told one after the other, each once, beside webhooks whose receivers do not answer", async () => {
  const path = await make("many", { match: { tools: ["sum"] } });
  const nowhere = Array.from({ length: 20 }, (_, nth) => `nowhere-${nth}`);
  for (const name of nowhere) await make(name, { url: "https://127.0.0.3:9999/", match: { tools: ["echo"] } });
  await Promise.all(Array.from({ length: 10 }, () => callBy(rest[1], "echo", '{"text":"lost"}')));
  const calls = await Promise.all(Array.from({ length: 100 }, (_, a) => client.call("lab", "sum", { a, b: 1 })));
  const messages = await received(path, 100);
  expect(new Set(messages.map(({ data }) => data.callId))).toEqual(new Set(calls.map(({ callId }) => callId)));
  expect(new Set(messages.map(({ id }) => id)).size).toBe(100);
});

test("what was told is counted, and the secret is in no log, metric or stored value", async () => {
  const opsAddress = cluster.output(1).find((line) => line.includes('"ops_listening"')) ?? "{}";
  const { address } = JSON.parse(opsAddress) as { readonly address: string };
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  expect(metrics).toMatch(/^toolgate_webhook_attempts_total\{outcome="delivered"\} [1-9]/m);
  const stored = [JSON.stringify(await link.hgetall("toolgate:{default/0}:documents"))];
  for (const key of await link.keys("*webhook*")) stored.push(String(await link.dump(key)));
  const bare = SECRET.slice("whsec_".length);
  for (const text of [metrics, ...stored, ...cluster.output(0), ...cluster.output(1)]) expect(text).not.toContain(bare);
});
