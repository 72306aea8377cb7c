import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RPC_RULES } from "../../src/access/rpc-rules.js";
import { documentedPath } from "../../src/front/http/openapi.js";
import type { Route } from "../../src/front/http/route.js";
import { ROUTES } from "../../src/front/http/routes.js";
import {
  type AuditRecord,
  connect,
  defineTool,
  type Provider,
  serveToolset,
  ToolFailure,
  type Toolgate,
  ToolgateError,
  Type,
} from "../../src/index.js";
import { runToolgate } from "../cmd/run-toolgate.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { postModern } from "../support/mcp.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { type Asked, askAnything, METHODS, methodAt, withKey } from "./every-rpc.js";
import { FAST } from "./fast.js";
import { gate } from "./tools.js";
import { contractNamed, json } from "./wire.js";

/*
 * One tenant has a word in everything that it can set, and another word in everything that its callers and tools say. A second tenant,
 * as its administrator and as an agent, asks whatever there is to ask, about what is its own and about what is the first one's, on the
 * same node. The words come back to it only where it has said them itself; and what was said stands in no log and no audit, and in Redis
 * only where its format keeps it.
 */

expectNoLeaks();

/** In names, descriptions, documents: what the first tenant's own people may see. */
const OWN = "kumquat";
/** In payloads, results, output and errors: what only the two sides of a call may see. */
const SAID = "durian";
const A = `${OWN}-tenant`;
const B = "beta";
const OPS = { opsListen: "127.0.0.1:0", opsAuth: "required", httpListen: "127.0.0.1:0" };
/** A call is held until the end, however slow the machine is. */
const LONG_MS = 600_000;
const said = (what: string): string => `${SAID}-${what}-which-is-nobody-elses`;

let redis: TestRedis;
let cluster: ClosedCluster;
let home: string;
let wire: Client;
/** Where operators read metrics. */
let ops = "";
/** Where HTTP is answered. */
let http = "";
let admin: Toolgate;
let ofA: Toolgate;
let boss: Toolgate;
let agent: Toolgate;
const providers: Provider[] = [];
const held = gate();
const keys = { a: "", server: "", boss: "", agent: "" };

/** What the first tenant has, by the names under which others could ask for it. */
const its = {
  toolset: `${A}/${OWN}-files`,
  frail: `${A}/${OWN}-frail`,
  epoch: 0,
  digest: "",
  running: "",
  ended: "",
  dead: "",
  keyId: "",
  lease: {} as Readonly<Record<string, unknown>>,
  tokens: { toolsets: "", calls: "", documents: "", keys: "", audit: "", watch: "" },
};

const files = {
  name: `${OWN}-files`,
  version: "1.0.0",
  title: `${OWN} title`,
  description: `What ${OWN} keeps.`,
  tags: [`${OWN}-tag`],
  tools: {
    [`${OWN}-read`]: defineTool({
      title: `${OWN} reading`,
      description: `Reads for ${OWN}.`,
      tags: [`${OWN}-tool-tag`],
      meta: { _meta: { [`${OWN}-meta`]: OWN } },
      payload: Type.Object({ [`${OWN}Path`]: Type.String({ description: `A path of ${OWN}.` }) }),
      run: async (_input, context) => {
        await context.emit({ said: said("output") });
        return { found: said("result") };
      },
    }),
    [`${OWN}-fail`]: defineTool({
      payload: Type.Object({}, { additionalProperties: true }),
      run: () => {
        throw new ToolFailure("KUMQUAT_FAILURE", said("failure"), { details: said("details") });
      },
    }),
    [`${OWN}-hold`]: defineTool({
      payload: Type.Object({}, { additionalProperties: true }),
      run: async () => {
        await held.passed;
        return null;
      },
    }),
  },
};

const meta = (nth: string) => ({
  runId: `${OWN}-run-${nth}`,
  sessionId: `${OWN}-session`,
  turnId: `${OWN}-turn`,
  toolCallId: `${OWN}-call`,
  parentToolCallId: `${OWN}-parent`,
});

/** Documents of every kind that a tenant can have, or that others write for it. */
const DOCUMENTS = [
  { kind: "role", name: `${OWN}-role`, body: { description: `The ${OWN} role.`, rules: [{ verbs: ["discover"] }] } },
  {
    kind: "limit",
    name: `${OWN}-limit`,
    body: { per: "caller", rate: { calls: 1, perMs: 3_600_000 }, match: { tools: [`${OWN}-fail`] } },
  },
  { kind: "webhook", name: `${OWN}-webhook`, body: { url: `https://${OWN}.example/`, secrets: [`${OWN}-secret`] } },
  { kind: "share", name: `${OWN}-share`, body: { toolsets: [`${OWN}-*`], with: ["gamma"] } },
  {
    kind: "issuer",
    name: `${OWN}-issuer`,
    body: { issuer: `https://${OWN}.example`, audiences: [`${OWN}-audience`], algorithms: ["RS256"] },
  },
  {
    kind: "certificate",
    name: `${OWN}-certificate`,
    body: { match: { uri: `spiffe://${OWN}/*` }, roles: ["agent"] },
  },
] as const;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "toolgate-canaries-"));
  redis = await privateRedis();
  const config = { ...FAST, logLevel: "trace", audit: "calls", maxAttempts: 1, maxTimeoutMs: LONG_MS, ...OPS };
  cluster = await startClosedCluster({ redis, nodes: 1, config });
  for (const line of cluster.output(0)) ops ||= /"event":"ops_listening","address":"([^"]+)"/.exec(line)?.[1] ?? "";
  http = `http://${/"httpAddress":"([^"]+)"/.exec(cluster.output(0).join("\n"))?.[1]}`;
  wire = new Client(cluster.addresses[0] ?? "", credentials.createInsecure(), { "grpc.enable_retries": 0 });
  admin = await connect(cluster.nodes, { key: cluster.adminKey });
  const reason = `${OWN} wants it so`;
  await admin.documents.apply(
    [A, B, "gamma"].map((name) => ({
      kind: "tenant",
      name,
      body: name === A ? { description: `Tenant of ${OWN}.` } : {},
    })),
    { reason },
  );
  await admin.documents.apply(
    DOCUMENTS.map((document) => ({ tenant: A, ...document })),
    { reason },
  );
  const keyOf = async (tenant: string, principal: string, ...roles: string[]): Promise<string> => {
    const { key, keyId } = await admin.access.createKey({
      tenant,
      principal,
      roles,
      ...(tenant === A ? { reason } : {}),
    });
    its.keyId ||= keyId;
    return key;
  };
  keys.a = await keyOf(A, `${OWN}-agent`, "admin", `${OWN}-role`);
  keys.server = await keyOf(A, `${OWN}-server`, "provider");
  keys.boss = await keyOf(B, "boss", "admin");
  keys.agent = await keyOf(B, "agent", "agent");
  const password = `canary-password of ${OWN}`;
  await admin.access.setPassword({ tenant: A, user: `${OWN}-user`, password, roles: ["agent"], reason });
  const clientOf = (key: string): Promise<Toolgate> => connect(cluster.nodes, { key });
  [ofA, boss, agent] = await Promise.all([clientOf(keys.a), clientOf(keys.boss), clientOf(keys.agent)]);

  const serving = { nodes: cluster.nodes, key: keys.server, providerId: `${OWN}-provider`, logger: SILENT };
  providers.push(await serveToolset(files, serving));
  const ofB = { name: "files", version: "1.0.0", tools: { read: { payload: Type.Object({}), run: () => "read" } } };
  providers.push(await serveToolset(ofB, { nodes: cluster.nodes, key: keys.boss }));
  for (const [client, name] of [[ofA, files.name] as const, [boss, "files"] as const, [agent, "files"] as const])
    await until(`${name} can be called`, async () => (await client.get(name).catch(() => undefined))?.healthy);
  await liveOfA();
}, 120_000);
afterAll(async () => {
  held.open();
  wire?.close();
  await Promise.all(providers.map((provider) => provider.stop({ graceMs: 0 })));
  for (const client of [admin, ofA, boss, agent]) await client?.close();
  await cluster?.stop();
  await redis?.stop();
  await rm(home, { recursive: true });
});

/** What a provider would print is not what is looked at. */
const SILENT = { info() {}, warn() {} };

/** The first tenant makes calls of every kind, and reads what it has. */
async function liveOfA(): Promise<void> {
  const read = { [`${OWN}Path`]: said("payload") };
  await ofA.invoke(files.name, `${OWN}-read`, read, meta("read"));
  its.ended = (await ofA.call(files.name, `${OWN}-read`, read, meta("again"))).callId;
  const fail = () => ofA.invoke(files.name, `${OWN}-fail`, { path: said("payload") });
  await expect(fail()).rejects.toMatchObject({ reason: "KUMQUAT_FAILURE" });
  await expect(fail()).rejects.toMatchObject({ reason: "RATE_LIMITED" });
  await expect(ofA.invoke(files.name, `${OWN}-read`, { [`${OWN}Path`]: [said("invalid")] })).rejects.toThrow();
  await expect(ofA.invoke(files.name, `${OWN}-reed`, { path: said("misspelt") })).rejects.toThrow();
  const holding = { ...meta("held"), onDisconnect: "continue", timeoutMs: LONG_MS } as const;
  its.running = (await ofA.call(files.name, `${OWN}-hold`, { path: said("payload") }, holding)).callId;

  // One is given up.
  const hang = {
    payload: Type.Object({ path: Type.String() }),
    idempotent: true,
    run: () => new Promise<never>(() => {}),
  };
  const frail = await serveToolset(
    { name: `${OWN}-frail`, version: "1.0.0", tools: { [`${OWN}-hang`]: hang } },
    { nodes: cluster.nodes, key: keys.server, logger: SILENT },
  );
  const lost = { ...meta("lost"), wait: true };
  const { callId } = await ofA.call(`${OWN}-frail`, `${OWN}-hang`, { path: said("payload") }, lost);
  await until("it runs", async () => (await ofA.getCall(callId)).state === "claimed");
  await frail.stop({ graceMs: 0 });
  its.dead = await until("it is given up", async () => {
    for await (const { id } of ofA.deadCalls(`${OWN}-frail`)) return id;
    return undefined;
  });

  const { epoch, digest } = await ofA.get(files.name);
  Object.assign(its, { epoch, digest });
  const registration = {
    contract: contractNamed(`${OWN}-raw`),
    providerId: `${OWN}-raw-provider`,
    incarnation: `${OWN}-incarnation`,
  };
  const { contract: _, ...provider } = registration;
  const registered = (await askAs(keys.server, "toolgate.v1.Registry/Register", registration)) as {
    leaseToken: string;
    epoch: number;
  };
  const { leaseToken, epoch: number } = registered;
  its.lease = { toolset: `${A}/${OWN}-raw`, epoch: number, leaseToken, ...provider };
  const token = async (path: string, more: object = {}): Promise<string> => {
    const { nextPageToken } = (await askAs(keys.a, path, { pageSize: 1, ...more })) as { nextPageToken: string };
    expect(nextPageToken).not.toBe("");
    return nextPageToken;
  };
  its.tokens.toolsets = await token("toolgate.v1.Catalog/ListToolsets");
  its.tokens.documents = await token("toolgate.v1.Documents/ListDocuments");
  its.tokens.keys = await token("toolgate.v1.Access/ListKeys");
  its.tokens.audit = await token("toolgate.v1.Audit/QueryAudit");
  its.tokens.calls = await token("toolgate.v1.Gateway/ListCalls").catch(() => "");
  for await (const { revision } of ofA.watch()) {
    its.tokens.watch = revision;
    break;
  }
}

/** Asks as the first tenant, and reads the answer. */
async function askAs(key: string, path: string, request: object): Promise<object> {
  const method = methodAt(path);
  const { error, messages } = await askAnything(wire, method, withKey(key), request);
  if (error !== undefined || messages[0] === undefined) throw error ?? new Error(`${path} answered nothing`);
  return method.responseDeserialize(messages[0]);
}

/** What an RPC is asked by the other tenant. */
interface Case {
  readonly requests: () => readonly object[];
  /** Whether a stream has said what it is to say. */
  readonly isEnough?: (messages: readonly object[]) => boolean;
  /** What is done while a stream is waited for. */
  readonly meanwhile?: () => Promise<unknown>;
}

const of = (requests: Case["requests"], more: Omit<Case, "requests"> = {}): Case => ({ requests, ...more });
const leases = (more: object = {}): Case =>
  of(() => [
    { lease: its.lease, ...more },
    { lease: { ...its.lease, leaseToken: "x".repeat(32) }, ...more },
    { lease: { ...its.lease, toolset: `${OWN}-raw` }, ...more },
  ]);
const calls = (): readonly object[] => [
  { toolset: its.toolset, tool: `${OWN}-read`, payloadJson: json({}) },
  { toolset: its.toolset, tool: `${OWN}-reed`, payloadJson: json({}) },
  { toolset: `${A}/${OWN}-filez`, tool: "read", payloadJson: json({}) },
  { toolset: "kumquat-filez", tool: "kumquat-reed", payloadJson: json({}) },
  { toolset: "filez", tool: "read", payloadJson: json({}) },
  { toolset: "files", tool: "kumquat-reed", payloadJson: json({}) },
  // The ids of a call of the other tenant's.
  {
    toolset: "files",
    tool: "read",
    payloadJson: json({}),
    meta: { runId: `${OWN}-run-held`, toolCallId: `${OWN}-call` },
  },
  { toolset: "files", tool: "read", payloadJson: json({ path: 1 }), expectDigest: its.digest },
];
const callIds = of(() => [its.running, its.ended].map((callId) => ({ callId })));
const toolsets = (more: object = {}): Case =>
  of(() => [its.toolset, its.frail, `${OWN}-frail`, `${A}/${OWN}`, "filez"].map((toolset) => ({ toolset, ...more })));
const names = (): readonly object[] =>
  [its.toolset, `${OWN}-files`, `${OWN}-filez`, `${A}/${OWN}-filez`, "filez", "kumquot-files"].map((name) => ({
    name,
  }));
const epochs = of(() => names().map((named) => ({ ...named, epoch: its.epoch })));
const tenants = (more: object = {}): readonly object[] => ["", B, A, `${A}x`].map((tenant) => ({ tenant, ...more }));
const documents = (): readonly object[] =>
  [
    ...DOCUMENTS,
    { kind: "tenant", name: A },
    { kind: "key", name: its.keyId },
    { kind: "user", name: `${OWN}-user` },
  ].flatMap(({ kind, name }) => [A, B, "default"].map((tenant) => ({ ref: { tenant, kind, name } })));
const role = (...patterns: string[]): object => ({ rules: [{ verbs: ["discover", "call"], toolsets: patterns }] });

const CASES: Readonly<Record<string, Case>> = {
  "/toolgate.v1.Registry/Register": of(() =>
    [its.toolset, `${A}/${OWN}-x`, "filez"].map((name) => ({
      contract: contractNamed(name),
      providerId: `${OWN}-provider`,
      incarnation: "i",
    })),
  ),
  "/toolgate.v1.Registry/Attach": of(() => [{ hello: { lease: its.lease, maxInFlight: 1 } }]),
  "/toolgate.v1.Registry/Pong": leases(),
  "/toolgate.v1.Registry/Renew": leases({ maxInFlight: 1, inHand: [] }),
  "/toolgate.v1.Registry/Drain": leases(),
  "/toolgate.v1.Registry/Release": leases(),
  "/toolgate.v1.Registry/Unregister": epochs,
  "/toolgate.v1.Registry/Promote": epochs,

  "/toolgate.v1.Catalog/ListToolsets": of(() => [
    {},
    { tags: [`${OWN}-tag`] },
    { health: "HEALTH_FILTER_UNHEALTHY" },
    { pageSize: 1, pageToken: its.tokens.toolsets },
  ]),
  "/toolgate.v1.Catalog/GetToolset": of(() => [...names(), { name: its.toolset, epoch: its.epoch }]),
  "/toolgate.v1.Catalog/Search": of(() => [
    ...[OWN, "kumq", "kumquot", SAID, "reads for", "files", "read", A].map((query) => ({ query })),
    { query: "files", tags: [`${OWN}-tag`] },
  ]),
  "/toolgate.v1.Catalog/Watch": of(
    () => [{}, { revision: its.tokens.watch }, { toolsets: [its.toolset, `${OWN}-files`, "late"] }],
    {
      // Until it has heard of what its own tenant did after the other one.
      isEnough: (messages) => messages.some((message) => (message as { changes: unknown[] }).changes.length > 0),
      meanwhile: async () => {
        await askAs(keys.server, "toolgate.v1.Registry/Register", later(`${OWN}-late`));
        await askAs(keys.boss, "toolgate.v1.Registry/Register", later("late"));
      },
    },
  ),
  "/toolgate.v1.Catalog/GetRegistry": of(() => [{}]),

  "/toolgate.v1.Gateway/CallTool": of(() => calls().map((call) => ({ call }))),
  "/toolgate.v1.Gateway/Invoke": of(() => calls().map((call) => ({ call }))),
  "/toolgate.v1.Gateway/Session": of(
    () => [{ calls: calls().map((call, ref) => ({ ref: ref + 1, call, wantHandle: true, wantDeltas: true })) }],
    {
      isEnough: (messages) =>
        messages.flatMap((message) => (message as { terminals: unknown[] }).terminals).length >= calls().length,
    },
  ),
  "/toolgate.v1.Gateway/FollowCall": callIds,
  "/toolgate.v1.Gateway/GetCall": callIds,
  "/toolgate.v1.Gateway/CancelCall": callIds,
  "/toolgate.v1.Gateway/ListCalls": of(() => [
    {},
    { toolset: its.toolset },
    { tool: `${OWN}-hold` },
    ...(its.tokens.calls === "" ? [] : [{ pageToken: its.tokens.calls, pageSize: 1 }]),
  ]),

  "/toolgate.v1.DeadCalls/ListDeadCalls": toolsets(),
  "/toolgate.v1.DeadCalls/GetDeadCall": of(() => [
    { toolset: its.frail, id: its.dead },
    { toolset: "files", id: its.dead },
  ]),
  "/toolgate.v1.DeadCalls/RedriveDeadCall": of(() => [
    { toolset: its.frail, id: its.dead },
    { toolset: "files", id: its.dead },
  ]),
  "/toolgate.v1.DeadCalls/PurgeDeadCalls": of(() => [
    { toolset: its.frail, ids: [its.dead] },
    { toolset: "files", ids: [its.dead] },
  ]),

  "/toolgate.v1.Access/WhoAmI": of(() => [{}]),
  "/toolgate.v1.Access/Login": of(() => tenants({ user: `${OWN}-user`, password: "canary-password, a wrong one" })),
  "/toolgate.v1.Access/Logout": of(() => [{}]),
  "/toolgate.v1.Access/CreateKey": of(() => [
    ...[A, `${A}x`, "default"].map((tenant) => ({ tenant, principal: `${OWN}-agent`, roles: ["agent"] })),
    { principal: "other", roles: [`${OWN}-role`] },
    { principal: "other", roles: ["kumquat-rol"] },
  ]),
  "/toolgate.v1.Access/ListKeys": of(() => [...tenants(), { pageSize: 1, pageToken: its.tokens.keys }]),
  "/toolgate.v1.Access/RotateKey": of(() => tenants({ principal: `${OWN}-agent` })),
  "/toolgate.v1.Access/RevokeKey": of(() => [
    ...tenants({ principal: `${OWN}-agent` }),
    ...tenants({ keyId: its.keyId }),
  ]),
  "/toolgate.v1.Access/SetPassword": of(() => [
    ...[A, `${A}x`, "default"].map((tenant) => ({ tenant, user: `${OWN}-user`, password: "canary-password, another" })),
    { user: "other", password: "canary-password, another", roles: [`${OWN}-role`] },
  ]),
  "/toolgate.v1.Access/Explain": of(() =>
    ["", `${A}/${OWN}-agent`, `${OWN}-agent`, "agent"].flatMap((principal) => [
      { principal, toolset: its.toolset, tool: `${OWN}-read`, payloadJson: json({}) },
      { principal, toolset: `${OWN}-filez`, tool: "read" },
      { principal, toolset: "files", tool: `${OWN}-reed`, roles: [`${OWN}-role`] },
    ]),
  ),

  "/toolgate.v1.Documents/ListDocuments": of(() => [
    ...tenants(),
    { pageSize: 1, pageToken: its.tokens.documents },
    { tenant: A, kind: "role" },
  ]),
  "/toolgate.v1.Documents/GetDocument": of(documents),
  "/toolgate.v1.Documents/ListRevisions": of(documents),
  "/toolgate.v1.Documents/ApplyDocuments": of(() =>
    [
      { ref: { tenant: A, kind: "role", name: `${OWN}-role` }, bodyJson: json({ rules: [] }) },
      { ref: { kind: "role", name: "probe" }, bodyJson: json(role(`${A}/*`, `${A}/${OWN}-*`, `${A}/x*`)) },
      { ref: { kind: "role", name: "probe" }, bodyJson: json(role("kumquot-*", "filez")) },
      { ref: { kind: "share", name: "probe" }, bodyJson: json({ toolsets: ["files"], with: [A, "gamma", `${A}x`] }) },
      { ref: { kind: "limit", name: "probe" }, bodyJson: json({ per: "tenant", daily: 1, match: { tenants: [A] } }) },
      { ref: { kind: "role", name: "probe" }, restoreRevision: 3 },
    ].map((change) => ({ changes: [change], dryRun: true })),
  ),

  "/toolgate.v1.Audit/QueryAudit": of(() => [
    ...tenants().map((filter) => ({ filter })),
    { filter: { toolset: its.toolset } },
    { filter: { callId: its.ended } },
    { filter: { principal: `${OWN}-agent` } },
    { pageSize: 1, pageToken: its.tokens.audit },
  ]),
  "/toolgate.v1.Audit/TailAudit": of(() => tenants().map((filter) => ({ filter })), {
    isEnough: (messages) => messages.some((message) => JSON.stringify(message).includes("late-")),
    meanwhile: async () => {
      const late = `late-${nth++}`;
      await ofA.documents.apply([{ kind: "role", name: `${OWN}-${late}`, body: role("*") }], { reason: OWN });
      await boss.documents.apply([{ kind: "role", name: late, body: role("*") }]);
    },
  }),
  "/toolgate.v1.Audit/VerifyAudit": of(() => [{}]),

  "/grpc.health.v1.Health/Check": of(() => [{}, { service: its.toolset }]),
  "/grpc.health.v1.Health/List": of(() => [{}]),
  "/grpc.health.v1.Health/Watch": of(() => [{}, { service: its.toolset }]),
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": of(() => [{ listServices: "" }]),
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": of(() => [{ listServices: "" }]),
};

let nth = 0;
/** A contract in place of the one before. */
const later = (name: string): object => ({
  contract: contractNamed(name, { version: `1.0.${nth++}` }),
  providerId: "late",
  incarnation: "late",
});

/** All texts of a request: whoever sends them may be answered with them. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return value === "" ? [] : [value, ...value.split("/")];
  if (Buffer.isBuffer(value)) return [value.toString(), ...textsOf(JSON.parse(value.toString()))];
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(textsOf);
  return [];
}

/** What an answer has of the first tenant's that was not in the question. */
function leaksOf(answer: string, asked: readonly string[]): string[] {
  const words = [OWN, SAID, its.keyId, its.digest];
  let rest = answer;
  for (const text of asked.toSorted((one, other) => other.length - one.length))
    if (words.some((word) => text.includes(word))) rest = rest.replaceAll(text, "…");
  return words.filter((word) => rest.includes(word)).map((word) => `${word} in ${rest}`);
}

function expectNone(leaks: readonly string[]): void {
  expect(leaks, leaks.map((leak) => leak.slice(0, 500)).join("\n")).toEqual([]);
}

/** An answer, with the texts that a status carries as bytes. */
function textOf({ error, messages, metadata }: Asked): string {
  return [...messages.map((bytes) => bytes.toString("latin1")), error?.details ?? "", ...metadata].join("\n");
}

/** What the second tenant has asked for by gRPC. */
const everAsked: string[] = [];

describe("another tenant is answered nothing of it", () => {
  test("by every RPC that there is", () => {
    expect(Object.keys(CASES).toSorted()).toEqual(Object.keys(RPC_RULES).toSorted());
    expect(Object.keys(CASES).toSorted()).toEqual(METHODS.map(({ path }) => path).toSorted());
  });

  test("by the SDK, in errors and near names too", async () => {
    const all = async (items: AsyncIterable<unknown>): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const item of items) found.push(item);
      return found;
    };
    const asked: readonly ((client: Toolgate) => Promise<unknown>)[] = [
      (client) => client.registry(),
      (client) => all(client.list()),
      (client) => client.damaged(),
      (client) => client.get("kumquot-files"),
      (client) => client.get("filez"),
      (client) => client.get("files"),
      (client) => client.search("kumquot title"),
      (client) => client.search("read"),
      (client) => client.invoke("filez", "read"),
      (client) => client.invoke("files", "reed"),
      (client) => all(client.listCalls()),
      (client) => all(client.deadCalls("files")),
      (client) => all(client.deadCalls("filez")),
      (client) => client.access.whoAmI(),
      (client) => client.access.explain("filez", "read"),
      (client) => all(client.documents.list()),
      (client) => all(client.audit.query()),
      (client) => client.audit.verify(),
    ];
    const answers: string[] = [];
    for (const client of [boss, agent]) {
      for (const ask of asked) answers.push(await ask(client).then((answer) => JSON.stringify(answer), saidBy));
    }
    expectNone(answers.flatMap((answer) => leaksOf(answer, [])));
    expect(answers.filter((answer) => answer.includes("did you mean")).length).toBeGreaterThanOrEqual(4);
  });

  test("by the command line", async () => {
    const commands = [
      ["list"],
      ["search", "read"],
      ["get", "kumquot-files"],
      ["calls"],
      ["dead", "list", "filez"],
      ["audit", "query"],
      ["access", "list"],
      ["access", "key", "list"],
      ["explain", "call", "filez", "read"],
      ["doctor"],
    ];
    const run = async (args: readonly string[]): Promise<string> => {
      const env = { XDG_CONFIG_HOME: home, TOOLGATE_NODES: cluster.nodes, TOOLGATE_KEY: keys.boss };
      const { code, stdout, stderr } = await runToolgate(args, { env });
      expect(`${args.join(" ")}: ${stdout}${stderr}`).not.toMatch(/unknown command|unknown option/);
      return `${args.join(" ")} ends with ${code}: ${stdout}${stderr}`;
    };
    const answers: string[] = [];
    for (const args of commands) answers.push(await run(args));
    expectNone(answers.flatMap((answer) => leaksOf(answer, [])));
  });

  test.each(Object.entries(CASES))("by %s", async (path, { requests, isEnough, meanwhile }) => {
    const method = methodAt(path.slice(1));
    const read = (bytes: Buffer): object => method.responseDeserialize(bytes);
    const enough = isEnough && ((messages: readonly Buffer[]) => isEnough(messages.map(read)));
    const leaks: string[] = [];
    let answered = 0;
    // What was refused is in the caller's own audit, in its words.
    const isOfAudit = path.includes(".Audit/");
    for (const request of requests()) {
      for (const key of [keys.boss, keys.agent, undefined]) {
        let over = false;
        const asking = askAnything(wire, method, withKey(key), request, enough).finally(() => {
          over = true;
        });
        while (!over && meanwhile !== undefined) await meanwhile();
        const asked = await asking;
        if (asked.messages.length > 0 || asked.error !== undefined) answered++;
        // A stream that never said enough would have proved nothing.
        expect(asked.error?.details ?? "").not.toContain("Deadline exceeded");
        everAsked.push(...textsOf(request));
        leaks.push(...leaksOf(textOf(asked), isOfAudit ? everAsked : textsOf(request)));
      }
    }
    expectNone(leaks);
    expect(answered).toBeGreaterThan(0);
  });
});

/** What the routes of HTTP are asked for, by the names of their parameters and of their bodies' members. */
const PARAMETERS: Readonly<Record<string, () => readonly unknown[]>> = {
  toolset: () => [its.toolset, its.frail, `${OWN}-frail`, `${A}/${OWN}`, "filez", "kumquot-files"],
  toolsets: () => [`${its.toolset},${OWN}-files,late`],
  tool: () => [`${OWN}-read`, `${OWN}-reed`, "read", "kumquat-reed"],
  call: () => [its.running, its.ended],
  callId: () => [its.ended],
  id: () => [its.dead],
  ids: () => [[its.dead]],
  all: () => [true],
  principal: () => [`${OWN}-agent`, `${A}/${OWN}-agent`],
  user: () => [`${OWN}-user`],
  password: () => ["canary-password, a wrong one"],
  roles: () => [[`${OWN}-role`], ["kumquat-rol"]],
  kind: () => [...DOCUMENTS.map(({ kind }) => kind), "tenant", "key", "user"],
  name: () => [...DOCUMENTS.map(({ name }) => name), A, its.keyId, `${OWN}-user`],
  tenant: () => [A, B, `${A}x`, "default"],
  epoch: () => [its.epoch],
  revision: () => [3],
  tags: () => [`${OWN}-tag`],
  q: () => [OWN, "kumq", "kumquot", SAID, "reads for", "files", A],
  health: () => ["unhealthy"],
  state: () => ["queued", "claimed", "ended"],
  kinds: () => ["tool_error"],
  minTotalMs: () => [1],
  event: () => ["refusal"],
  outcome: () => ["refused"],
  fromMs: () => [1],
  untilMs: () => [Number.MAX_SAFE_INTEGER],
  sinceMs: () => [1],
  pageSize: () => [1],
  pageToken: () => Object.values(its.tokens).filter(Boolean),
  wait: () => ["1ms"],
  cookie: () => [true],
  keyId: () => [its.keyId],
  ttlMs: () => [60_000],
  overlapMs: () => [0],
  reason: () => ["because"],
  payload: () => [{}],
  contract: () =>
    [its.toolset, `${A}/${OWN}-x`, "filez"].map((name) => ({
      ...{ name, version: "1.0.0", tools: [{ name: "read", payloadSchema: {} }] },
    })),
  providerId: () => [`${OWN}-provider`],
  incarnation: () => ["i"],
  options: () => [{}],
  lease: () => [its.lease, { ...its.lease, leaseToken: "x".repeat(32) }, { ...its.lease, toolset: `${OWN}-raw` }],
  maxInFlight: () => [1],
  inHand: () => [[]],
  changes: () =>
    [
      { tenant: A, kind: "role", name: `${OWN}-role`, body: { rules: [] } },
      { kind: "role", name: "probe", body: role(`${A}/*`, `${A}/${OWN}-*`, `${A}/x*`) },
      { kind: "role", name: "probe", body: role("kumquot-*", "filez") },
      { kind: "share", name: "probe", body: { toolsets: ["files"], with: [A, "gamma", `${A}x`] } },
      { kind: "role", name: "probe", restoreRevision: 3 },
    ].map((change) => [change]),
  dryRun: () => [true],
  force: () => [true],
};

/** What may be left out of a request, and must not be here: it would be the second tenant's own word from there on, or a change. */
const ALWAYS: Readonly<Record<string, readonly string[]>> = {
  setPassword: ["tenant", "roles"],
  rotateKey: ["tenant"],
  applyDocuments: ["dryRun"],
};

/** What only narrows a stream: nothing would come, for which there is no end of waiting. */
const NARROWING: Readonly<Record<string, readonly string[]>> = {
  tailAudit: ["principal", "event", "toolset", "tool", "callId", "outcome"],
};

describe("another tenant is answered nothing of it by HTTP", () => {
  const valuesOf = (name: string): readonly unknown[] => {
    const values = PARAMETERS[name];
    if (values === undefined) throw new Error(`what is ${name}? PARAMETERS has no value for it`);
    return values();
  };

  const without = (left: readonly string[] = [], names: readonly string[]): string[] =>
    names.filter((name) => !left.includes(name));

  interface Member {
    readonly place: "path" | "query" | "body";
    readonly name: string;
    readonly required: boolean;
  }

  function membersOf({ operationId, params, query, body }: Route): Member[] {
    const always = ALWAYS[operationId] ?? [];
    const ofObject = (place: "query" | "body", schema: Route["query"]): Member[] =>
      without(NARROWING[operationId], Object.keys(schema?.properties ?? {})).map((name) => {
        const required: readonly unknown[] = schema?.required ?? [];
        return { place, name, required: required.includes(name) || always.includes(name) };
      });
    return [
      ...Object.keys(params?.properties ?? {}).map((name): Member => ({ place: "path", name, required: true })),
      ...ofObject("query", query),
      ...(typeof body === "object" ? ofObject("body", body) : []),
    ];
  }

  /** Requests with each value that there is: of what is required together, and of what is not each by itself. */
  function requestsOf(members: readonly Member[]): Map<Member, unknown>[] {
    const required = members.filter((member) => member.required);
    const most = Math.max(1, ...required.map(({ name }) => valuesOf(name).length));
    const base = Array.from(
      { length: most },
      (_, nth) =>
        new Map(required.map((member) => [member, valuesOf(member.name)[nth % valuesOf(member.name).length]])),
    );
    const optional = members.filter((member) => !member.required);
    const more = optional.flatMap((member) =>
      valuesOf(member.name).map((value) => new Map([...(base[0] ?? []), [member, value]])),
    );
    return [...base, ...more];
  }

  /** All of an answer, its headers included; a stream until it has said the word that it is waited for. */
  async function textOfAnswer(response: Response, enough: string): Promise<string> {
    const head = [response.status, ...[...response.headers].map(([name, value]) => `${name}: ${value}`)].join("\n");
    let body = "";
    if (response.headers.get("content-type") !== "text/event-stream") return `${head}\n${await response.text()}`;
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      body += part;
      if (enough === "" || body.includes(enough)) break;
    }
    return `${head}\n${body}`;
  }

  const askedOfAudit: string[] = [];

  // As the node serves them: one that is added is asked here, too.
  test.each(ROUTES.map((route) => [route.method, route.path, route] as const))(
    "%s %s",
    async (_method, _path, route) => {
      const ofRpc = CASES[route.rpc.startsWith("grpc.") ? `/${route.rpc}` : `/toolgate.v1.${route.rpc}`];
      const isStream = route.answers[200]?.contentType === "text/event-stream";
      const leaks: string[] = [];
      for (const request of requestsOf(membersOf(route))) {
        const of = (place: Member["place"]) => [...request].filter(([member]) => member.place === place);
        const path = of("path").reduce(
          (url, [{ name }, value]) => url.replace(`{${name}}`, encodeURIComponent(String(value))),
          documentedPath(route),
        );
        const query = new URLSearchParams(
          of("query").map(([{ name }, value]) => [name, String(value)] as [string, string]),
        );
        const body =
          route.body === "raw" ? {} : Object.fromEntries(of("body").map(([{ name }, value]) => [name, value]));
        const asked = [...request.values()].flatMap(textsOf);
        askedOfAudit.push(...asked);
        for (const key of [keys.boss, keys.agent, undefined]) {
          let over = false;
          const stop = new AbortController();
          const asking = fetch(`${http}${path}?${query}`, {
            method: route.method,
            signal: stop.signal,
            headers: {
              "content-type": "application/json",
              ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
            },
            ...(route.body === undefined ? {} : { body: JSON.stringify(body) }),
          })
            .then((response) => textOfAnswer(response, ofRpc?.meanwhile === undefined ? "" : "late"))
            .finally(() => {
              over = true;
            });
          while (isStream && !over && ofRpc?.meanwhile !== undefined) await ofRpc.meanwhile();
          const answer = await asking;
          stop.abort();
          // Its own administrator reads in its own audit what it was refused, in its own words.
          const known = route.rpc.startsWith("Audit/") ? [...everAsked, ...askedOfAudit] : asked;
          leaks.push(...leaksOf(answer, [...known, ...known.map(encodeURIComponent)]));
        }
      }
      expectNone(leaks);
    },
  );

  test("nor by MCP", async () => {
    const leaks: string[] = [];
    for (const [method, params] of [
      ["tools/list", {}],
      ["tools/call", { name: `${OWN}-files__${OWN}-read`, arguments: {} }],
      ["tools/call", { name: "filez__read", arguments: {} }],
    ] as const) {
      for (const key of [keys.boss, keys.agent]) {
        const headers = { authorization: `Bearer ${key}` };
        for (const path of ["/mcp", `/mcp/t/${encodeURIComponent(its.toolset)}`]) {
          const { text, headers: answered } = await postModern(`${http}${path}`, { method, params, headers });
          leaks.push(...leaksOf(`${[...answered]}\n${text}`, textsOf([params, its.toolset])));
        }
      }
    }
    expectNone(leaks);
  });
});

function saidBy(error: unknown): string {
  if (!(error instanceof ToolgateError)) throw error;
  return JSON.stringify([error.reason, error.message, error.metadata, error.violations]);
}

test("nothing that the other tenant asked has changed anything", async () => {
  expect(await ofA.getCall(its.running)).toMatchObject({ state: "claimed", cancelRequested: false });
  const dead: string[] = [];
  for await (const { id } of ofA.deadCalls(`${OWN}-frail`)) dead.push(id);
  expect(dead).toEqual([its.dead]);
  expect(await ofA.get(files.name)).toMatchObject({ epoch: its.epoch, digest: its.digest, healthy: true });
  expect(await ofA.access.whoAmI()).toMatchObject({ id: `${OWN}-agent` });
});

test("the tenant's own audit has the digests of what was said, and none of it", async () => {
  const records: AuditRecord[] = [];
  for await (const record of ofA.audit.query()) records.push(record);
  const ends = new Set(records.filter(({ event }) => event === "end").map(({ outcome }) => outcome));
  expect(ends).toEqual(new Set(["result", "tool_error", "attempts_exhausted"]));
  expect(records.filter(({ event }) => event === "call").every(({ argumentsDigest }) => argumentsDigest !== "")).toBe(
    true,
  );
  const all = JSON.stringify(records);
  expect(all).toContain(OWN);
  expect(all).not.toContain(SAID);
});

test("no metric has what was said, and the other tenant's administrator is shown none", async () => {
  const ask = async (
    path: string,
    key: string,
  ): Promise<{ readonly status: number | undefined; readonly body: string }> => {
    const asked = get(`http://${ops}${path}`, { agent: false, headers: { authorization: `Bearer ${key}` } });
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    return { status: response.statusCode, body: await text(response) };
  };
  const { status, body } = await ask("/metrics", cluster.adminKey);
  expect(status).toBe(200);
  expect(body).toContain(`${OWN}-read`);
  expect(body).not.toContain(SAID);
  for (const path of ["/metrics", "/healthz", "/readyz", "/loglevel", "/debug/heap"]) {
    const answer = await ask(path, keys.boss);
    expect(answer.status, path).toBe(path.endsWith("z") ? 200 : 403);
    expectNone(leaksOf(answer.body, []));
  }
});

test("what was said stands in no log, and in Redis only in what is kept of calls", async () => {
  // The last of what it printed; all of it is looked through when the file ends.
  expect(cluster.output(0).filter((line) => line.includes(SAID))).toEqual([]);
  const client = redis.client();
  const kept = await client.call("EVAL_RO", KEYS_WITH, "0", SAID);
  const kinds = (kept as string[]).map((key) => key.replace(/^toolgate:\{[^}]*\}:/, "").replace(/:.*/, ""));
  expect(new Set(kinds)).toEqual(new Set(["call", "dead", "requests", "result"]));
});

/* The keys whose values have a text in them. ARGV: the text. Returns: the keys. */
const KEYS_WITH = `
local function has(value)
  if type(value) ~= 'table' then return string.find(tostring(value), ARGV[1], 1, true) ~= nil end
  for _, part in ipairs(value) do if has(part) then return true end end
  return false
end
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, value = redis.call('TYPE', key).ok, ''
  if kind == 'string' then value = redis.call('GET', key) end
  if kind == 'hash' then value = redis.call('HGETALL', key) end
  if kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1) end
  if kind == 'stream' then value = redis.call('XRANGE', key, '-', '+') end
  if has(key) or has(value) then found[#found + 1] = key end
end
return found
`;
