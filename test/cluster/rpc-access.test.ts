import { randomUUID } from "node:crypto";
import { Client, credentials, type MethodDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RPC_RULES } from "../../src/access/rpc-rules.js";
import { documentedPath } from "../../src/front/http/openapi.js";
import type { Route } from "../../src/front/http/route.js";
import { ROUTES } from "../../src/front/http/routes.js";
import { mcpRoutes } from "../../src/front/mcp/mcp-routes.js";
import { LEGACY_METHODS, MODERN_METHODS } from "../../src/front/mcp/methods.js";
import { connect, type Provider, serveToolset, type Toolgate } from "../../src/index.js";
import { fromServiceError } from "../../src/protocol/status-details.js";
import { CatalogInMemory } from "../access/catalog-in-memory.js";
import { type ClosedCluster, startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { postLegacy, postModern } from "../support/mcp.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { type RestClient, restClient } from "../support/served-answers.js";
import { until } from "../support/until.js";
import { askAnything, METHODS, methodAt, withKey } from "./every-rpc.js";
import { FAST } from "./fast.js";
import { gate, lab } from "./tools.js";
import { contractNamed, json } from "./wire.js";

/*
 * Every RPC of every service that a node serves, as the wire contract has them, asked without a credential, with an expired one, by an
 * administrator of another tenant, with a role that does not do, and with one that does.
 */

expectNoLeaks();

type Caller =
  | "nobody"
  | "expired"
  | "foreign"
  | "idle"
  | "agent"
  | "provider"
  | "operator"
  | "auditor"
  | "admin"
  | "caller";

/** What an RPC is asked, by whom, and what becomes of it: `answered`, or a reason. */
interface Row {
  readonly request?: (caller: Caller) => object;
  /** Somebody whose roles do not do, and what is answered. */
  readonly wrong: readonly [Caller, string];
  /** What an administrator of another tenant is answered. */
  readonly foreign: string;
  /** Somebody whose roles do, and what is answered. */
  readonly right: readonly [Caller, string];
  /** What is done again and again while the answer is waited for: it is news. */
  readonly meanwhile?: (nth: number) => Promise<unknown>;
}

/** Anybody may ask it, and is answered the same. */
const OPEN = "open";

const LAB = "default/lab";
const PASSWORD = "canary-password of ada";
const lease = () => ({ lease: state.lease });
const call = () => ({ call: { toolset: LAB, tool: "sum", payloadJson: json({ a: 1, b: 2 }) } });
const ofCall = () => ({ callId: state.callId });
const epoch = () => ({ name: "default/raw", epoch: 1 });
const ABSENT = "UNKNOWN_TOOLSET";
/** A lease is of the caller's own tenant. */
const FOREIGN_LEASE = "INVALID_REQUEST";
const inDefault = (more: object) => () => ({ tenant: "default", ...more });

const ROWS: Readonly<Record<string, Row | typeof OPEN>> = {
  "grpc.health.v1.Health/Check": OPEN,
  "grpc.health.v1.Health/List": OPEN,
  "grpc.health.v1.Health/Watch": OPEN,
  "toolgate.v1.Access/Login": OPEN,
  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": anybodyKnown(() => ({ listServices: "" })),
  "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": anybodyKnown(() => ({ listServices: "" })),
  "toolgate.v1.Access/WhoAmI": anybodyKnown(() => ({})),
  "toolgate.v1.Catalog/GetRegistry": anybodyKnown(() => ({})),

  "toolgate.v1.Catalog/ListToolsets": anybodyKnown(() => ({})), // each what it may see
  "toolgate.v1.Catalog/Search": anybodyKnown(() => ({ query: "lab" })),
  "toolgate.v1.Catalog/Watch": anybodyKnown(() => ({})),
  "toolgate.v1.Catalog/GetToolset": row(() => ({ name: LAB }), ["idle", ABSENT], ABSENT, ["auditor", "answered"]),
  "toolgate.v1.Gateway/CallTool": row(call, ["auditor", "FORBIDDEN"], ABSENT, ["agent", "answered"]),
  "toolgate.v1.Gateway/Invoke": row(call, ["idle", ABSENT], ABSENT, ["agent", "answered"]),
  "toolgate.v1.Gateway/Session": row(() => ({ calls: [{ ref: 1, ...call() }] }), ["auditor", "FORBIDDEN"], ABSENT, [
    "agent",
    "answered",
  ]),
  "toolgate.v1.Gateway/FollowCall": row(ofCall, ["agent", "UNKNOWN_CALL"], "UNKNOWN_CALL", ["caller", "answered"]),
  "toolgate.v1.Gateway/GetCall": row(ofCall, ["agent", "UNKNOWN_CALL"], "UNKNOWN_CALL", ["operator", "answered"]),
  "toolgate.v1.Gateway/ListCalls": anybodyKnown(() => ({})), // each its own, and what it may follow
  "toolgate.v1.Gateway/CancelCall": row(ofCall, ["agent", "UNKNOWN_CALL"], "UNKNOWN_CALL", ["operator", "answered"]),

  "toolgate.v1.DeadCalls/ListDeadCalls": row(() => ({ toolset: LAB }), ["agent", "FORBIDDEN"], ABSENT, [
    "operator",
    "answered",
  ]),
  "toolgate.v1.DeadCalls/GetDeadCall": row(() => ({ toolset: LAB, id: "1-0" }), ["agent", "FORBIDDEN"], ABSENT, [
    "operator",
    "UNKNOWN_CALL",
  ]),
  "toolgate.v1.DeadCalls/RedriveDeadCall": row(() => ({ toolset: LAB, id: "1-0" }), ["agent", "FORBIDDEN"], ABSENT, [
    "operator",
    "UNKNOWN_CALL",
  ]),
  "toolgate.v1.DeadCalls/PurgeDeadCalls": row(() => ({ toolset: LAB, ids: ["1-0"] }), ["agent", "FORBIDDEN"], ABSENT, [
    "operator",
    "answered",
  ]),

  "toolgate.v1.Access/CreateKey": row(
    inDefault({ principal: "new", roles: ["agent"] }),
    ["operator", "FORBIDDEN"],
    "FORBIDDEN",
    ["admin", "answered"],
  ),
  "toolgate.v1.Access/RotateKey": row(inDefault({ principal: "new" }), ["operator", "FORBIDDEN"], "FORBIDDEN", [
    "admin",
    "answered",
  ]),
  "toolgate.v1.Access/RevokeKey": row(inDefault({ principal: "new" }), ["operator", "FORBIDDEN"], "FORBIDDEN", [
    "admin",
    "answered",
  ]),
  "toolgate.v1.Access/ListKeys": row(inDefault({}), ["operator", "FORBIDDEN"], "FORBIDDEN", ["admin", "answered"]),
  "toolgate.v1.Access/SetPassword": row(
    inDefault({ user: "ada", password: PASSWORD, roles: ["agent"] }),
    ["operator", "FORBIDDEN"],
    "FORBIDDEN",
    ["admin", "answered"],
  ),
  "toolgate.v1.Access/Logout": anybodyKnown(() => ({}), "INVALID_REQUEST"), // none of them has a session
  "toolgate.v1.Access/Explain": row(
    () => ({ principal: "default/caller", toolset: LAB, tool: "sum" }),
    ["agent", "FORBIDDEN"],
    "FORBIDDEN",
    ["admin", "answered"],
  ),
  "toolgate.v1.Documents/ListDocuments": row(inDefault({}), ["auditor", "FORBIDDEN"], "FORBIDDEN", [
    "admin",
    "answered",
  ]),
  "toolgate.v1.Documents/GetDocument": row(document, ["auditor", "FORBIDDEN"], "FORBIDDEN", ["admin", "answered"]),
  "toolgate.v1.Documents/ListRevisions": row(document, ["auditor", "FORBIDDEN"], "FORBIDDEN", ["admin", "answered"]),
  "toolgate.v1.Documents/ApplyDocuments": row(
    () => ({ changes: [{ ...document(), bodyJson: json({ rules: [] }) }] }),
    ["auditor", "FORBIDDEN"],
    "FORBIDDEN",
    ["admin", "answered"],
  ),
  "toolgate.v1.Audit/QueryAudit": row(audited, ["agent", "FORBIDDEN"], "FORBIDDEN", ["auditor", "answered"]),
  "toolgate.v1.Audit/TailAudit": {
    ...row(audited, ["agent", "FORBIDDEN"], "FORBIDDEN", ["auditor", "answered"]),
    meanwhile: (nth) =>
      admin.documents.apply([{ kind: "role", name: "idle", body: { rules: [], description: `${nth}` } }]),
  },
  "toolgate.v1.Audit/VerifyAudit": row(() => ({}), ["agent", "FORBIDDEN"], "answered", ["auditor", "answered"]), // of all shards

  "toolgate.v1.Registry/Register": row(
    (caller) => ({
      contract: contractNamed(caller === "foreign" ? "default/raw" : "raw"),
      providerId: "p2",
      incarnation: randomUUID(),
    }),
    ["agent", "FORBIDDEN"],
    "INVALID_CONTRACT",
    ["provider", "answered"],
  ),
  "toolgate.v1.Registry/Attach": row(
    () => ({ hello: { ...lease(), maxInFlight: 1 } }),
    ["agent", "FORBIDDEN"],
    FOREIGN_LEASE,
    ["provider", "answered"],
  ),
  "toolgate.v1.Registry/Pong": row(lease, ["agent", "FORBIDDEN"], FOREIGN_LEASE, ["provider", "answered"]),
  "toolgate.v1.Registry/Renew": row(() => ({ ...lease(), maxInFlight: 1 }), ["agent", "FORBIDDEN"], FOREIGN_LEASE, [
    "provider",
    "answered",
  ]),
  "toolgate.v1.Registry/Promote": row(epoch, ["agent", "NOT_OWNER"], ABSENT, ["operator", "EPOCH_MISMATCH"]),
  "toolgate.v1.Registry/Drain": row(lease, ["agent", "FORBIDDEN"], FOREIGN_LEASE, ["provider", "answered"]),
  "toolgate.v1.Registry/Release": row(lease, ["agent", "FORBIDDEN"], FOREIGN_LEASE, ["provider", "answered"]),
  "toolgate.v1.Registry/Unregister": row(epoch, ["agent", "NOT_OWNER"], ABSENT, ["operator", "EPOCH_MISMATCH"]),
};

function row(request: Row["request"] & {}, wrong: Row["wrong"], foreign: string, right: Row["right"]): Row {
  return { request, wrong, foreign, right };
}

/** Everybody who is known is answered. */
function anybodyKnown(request: Row["request"] & {}, answer = "answered"): Row {
  return { request, wrong: ["idle", answer], foreign: answer, right: ["agent", answer] };
}

function audited(): object {
  return { filter: { tenant: "default" } };
}

function document(): object {
  return { ref: { tenant: "default", kind: "role", name: "idle" } };
}

let redis: TestRedis;
let cluster: ClosedCluster;
let admin: Toolgate;
let provider: Provider;
let client: Client;
let rest: RestClient;
let restUrl = "";
const held = gate();
const keys = new Map<Caller, string>();
const state = { callId: "", lease: {}, restLease: {} };

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startClosedCluster({
    redis,
    config: { ...FAST, leaseMs: 120_000, httpListen: "127.0.0.1:0" },
    nodes: 1,
  });
  client = new Client(cluster.addresses[0] ?? "", credentials.createInsecure(), { "grpc.enable_retries": 0 });
  const listening = cluster.output(0).find((line) => line.includes('"listening"')) ?? "{}";
  const { httpAddress } = JSON.parse(listening) as { readonly httpAddress: string }; // as it asks for one
  restUrl = `http://${httpAddress}`;
  rest = await restClient(restUrl, cluster.adminKey);
  admin = await connect(cluster.nodes, { key: cluster.adminKey });
  await admin.documents.apply([
    { kind: "tenant", name: "acme", body: {} },
    { kind: "role", name: "idle", body: { rules: [] } },
  ]);
  for (const role of ["idle", "agent", "provider", "operator", "auditor", "admin"] as const)
    keys.set(role, (await admin.access.createKey({ principal: role, roles: [role] })).key);
  keys.set("caller", (await admin.access.createKey({ principal: "caller", roles: ["agent"] })).key);
  keys.set("foreign", (await admin.access.createKey({ tenant: "acme", principal: "boss", roles: ["admin"] })).key);
  keys.set("expired", (await admin.access.createKey({ principal: "late", roles: ["admin"], ttlMs: 1 })).key);
  provider = await serveToolset(lab({ runs: [] }, held), { nodes: cluster.nodes, key: keys.get("provider") ?? "" });
  await until("the toolset can be called", async () => (await admin.get("lab")).healthy);
  const agent = await connect(cluster.nodes, { key: keys.get("caller") ?? "" });
  state.callId = (await agent.call("lab", "sum", { a: 1, b: 2 }, { onDisconnect: "continue" })).callId;
  await agent.close();
  const request = { contract: contractNamed("raw"), providerId: "p1", incarnation: randomUUID() };
  const { answer } = await ask(methodAt("toolgate.v1.Registry/Register"), "provider", request);
  const { epoch: number, leaseToken } = answer as { epoch: number; leaseToken: string };
  const { contract: _, ...named } = request;
  state.lease = { toolset: "default/raw", epoch: number, leaseToken, ...named };
});
afterAll(async () => {
  held.open();
  client?.close();
  await provider?.stop();
  await admin?.close();
  await cluster?.stop();
  await redis?.stop();
});

/** What an RPC answers, or for which reason it is refused. */
async function ask(method: MethodDefinition<object, object>, caller: Caller, request: object) {
  const { error, messages } = await askAnything(client, method, withKey(keys.get(caller)), request);
  if (error !== undefined) return { outcome: fromServiceError(error).reason };
  const [first] = messages;
  const answer = first && method.responseDeserialize(first);
  return { outcome: (answer && inBand(answer)) ?? (answer ? "answered" : "ended"), answer };
}

/** Sessions answer each call by itself. */
function inBand(answer: object): string | undefined {
  const { terminals } = answer as { terminals?: { terminal?: { error?: { reason?: string } | null } }[] };
  return terminals?.[0]?.terminal?.error?.reason;
}

test("every RPC of the wire contract is here, and nothing else", () => {
  const paths = METHODS.map(({ path }) => path.slice(1));
  expect(Object.keys(ROWS).toSorted()).toEqual(paths.toSorted());
  expect(Object.keys(RPC_RULES).toSorted()).toEqual(METHODS.map(({ path }) => path).toSorted());
});

test.each(Object.entries(ROWS))("%s", async (path, row) => {
  const method = methodAt(path);
  if (row === OPEN) {
    expect(RPC_RULES[`/${path}`]?.needs).toBe("nothing");
    const outcomes = new Set<string>();
    for (const caller of ["nobody", "expired", "foreign", "idle", "admin"] as const)
      outcomes.add((await ask(method, caller, {})).outcome);
    expect(outcomes.size).toBe(1);
    return;
  }
  const { request = () => ({}), wrong, foreign, right, meanwhile } = row;
  const outcome = async (caller: Caller) => {
    let answered = false;
    const asked = ask(method, caller, request(caller)).finally(() => {
      answered = true;
    });
    for (let nth = 0; !answered && meanwhile !== undefined; nth++) await meanwhile(nth);
    return (await asked).outcome;
  };
  expect({
    none: await outcome("nobody"),
    expired: await outcome("expired"),
    foreign: await outcome("foreign"),
    wrong: await outcome(wrong[0]),
    right: await outcome(right[0]),
  }).toEqual({
    none: "UNAUTHENTICATED",
    expired: "UNAUTHENTICATED",
    foreign,
    wrong: wrong[1],
    right: right[1],
  });
});

/** What a route's query must have, besides the tenant. */
const QUERIES: Readonly<Record<string, string>> = {
  search: "q=lab",
  getToolsOpenApi: "toolset=default%2Flab",
  explainByQuery: "principal=default%2Fcaller&toolset=default%2Flab&tool=sum",
};

/** What a route's body must have, and by whom it is sent where that matters. */
const BODIES: Readonly<Record<string, object | ((caller: Caller) => object)>> = {
  registerToolset: (caller) => ({
    contract: {
      name: caller === "foreign" ? "default/raw" : "raw",
      version: "1.0.0",
      tools: [{ name: "echo", payloadSchema: {} }],
    },
    providerId: "p2",
    incarnation: randomUUID(),
    options: { replace: true },
  }),
  renewLease: () => ({ ...provenLease(), maxInFlight: 1 }),
  pong: provenLease,
  drainProvider: provenLease,
  releaseLease: provenLease,
  setPassword: { tenant: "default", password: PASSWORD, roles: ["agent"] },
  callTool: { a: 1, b: 2 },
  login: { user: "ada", password: PASSWORD },
  createKey: { tenant: "default", principal: "new", roles: ["agent"] },
  rotateKey: { tenant: "default" },
  revokeKey: { tenant: "default" },
  applyDocuments: { changes: [{ tenant: "default", kind: "role", name: "idle", body: { rules: [] } }] },
  explain: { principal: "default/caller", toolset: LAB, tool: "sum" },
  purgeDeadCalls: { ids: ["1-0"] },
  unregisterToolset: { epoch: 1 },
  promoteToolset: { epoch: 1 },
};

/** The lease that was registered by HTTP last: the one of gRPC is released by then. */
function provenLease(): object {
  return { lease: state.restLease };
}

/** Asks by HTTP; a stream is answered when it begins. */
async function askRoute(route: Route, caller: Caller): Promise<string> {
  const key = keys.get(caller);
  const toolset = /:(unregister|promote)$/.test(route.path) ? "default%2Fraw" : "default%2Flab";
  const named: Readonly<Record<string, string>> = {
    ...{ toolset, tool: "sum", call: state.callId, id: "1-0" },
    ...{ principal: "new", user: "ada", kind: "role", name: "idle" },
  };
  const path = documentedPath(route).replace(/\{(\w+)\}/g, (_whole, name: string) => named[name] ?? "");
  const ofTenant = route.query !== undefined && Object.hasOwn(route.query.properties, "tenant") ? "tenant=default" : "";
  const query = [ofTenant, QUERIES[route.operationId] ?? ""].filter(Boolean).join("&");
  const abort = new AbortController();
  const body = BODIES[route.operationId] ?? {};
  const sent = typeof body === "function" ? body(caller) : body;
  const response = await rest.ask(`${path}?${query}`, {
    method: route.method,
    signal: abort.signal,
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      // What a request claims besides is no credential.
      ...{ "x-user": "admin", "x-forwarded-user": "admin", cookie: "user=admin; role=admin" },
    },
    ...(route.body === undefined ? {} : { body: JSON.stringify(sent) }),
  });
  if (route.operationId === "registerToolset" && response.ok) {
    const { epoch, leaseToken } = (await response.json()) as { readonly epoch: number; readonly leaseToken: string };
    const { providerId, incarnation } = sent as { readonly providerId: string; readonly incarnation: string };
    state.restLease = { toolset: "default/raw", epoch, leaseToken, providerId, incarnation };
    return "answered";
  }
  if (response.status < 400) {
    abort.abort();
    return "answered";
  }
  return ((await response.json()) as { readonly reason: string }).reason; // a problem
}

// As the node serves them: one that is added is asked here without a word more.
test.each(ROUTES.map((route) => [route.method, route.path, route] as const))("%s %s", async (_method, _path, route) => {
  const outcome = (caller: Caller) => askRoute(route, caller);
  const row = ROWS[route.rpc.startsWith("grpc.") ? route.rpc : `toolgate.v1.${route.rpc}`];
  if (row === undefined) throw new Error(`${route.rpc} has no row`);
  if (row === OPEN) {
    for (const caller of ["nobody", "expired", "admin"] as const)
      expect(await outcome(caller)).toBe(
        route.operationId === "healthz" && caller === "expired" ? "UNAUTHENTICATED" : "answered",
      );
    return;
  }
  expect({
    none: await outcome("nobody"),
    expired: await outcome("expired"),
    foreign: await outcome("foreign"),
    wrong: await outcome(row.wrong[0]),
    right: await outcome(row.right[0]),
  }).toEqual({
    none: "UNAUTHENTICATED",
    expired: "UNAUTHENTICATED",
    foreign: row.foreign,
    wrong: row.wrong[1],
    right: row.right[1],
  });
});

/** What a method of MCP is asked of one toolset's tools, by whom, and what becomes of it. */
interface McpRow extends Omit<Row, "request" | "meanwhile"> {
  readonly params?: () => Record<string, unknown>;
}

const seen: McpRow = { wrong: ["idle", ABSENT], foreign: ABSENT, right: ["auditor", "answered"] };
const ofTask: McpRow = {
  params: () => ({ taskId: state.callId }),
  ...{ wrong: ["agent", "UNKNOWN_CALL"], foreign: ABSENT, right: ["operator", "answered"] },
};
const ofTool: McpRow = {
  params: () => ({ name: "sum", arguments: { a: 1, b: 2 } }),
  ...{ wrong: ["auditor", "FORBIDDEN"], foreign: ABSENT, right: ["agent", "answered"] },
};
const MCP_ROWS: Readonly<Record<string, McpRow>> = {
  ...{ "server/discover": seen, initialize: seen, ping: seen, "tools/list": seen, "tools/call": ofTool },
  "subscriptions/listen": { ...seen, params: () => ({ notifications: { toolsListChanged: true } }) },
  ...{ "tasks/get": ofTask, "tasks/update": ofTask, "tasks/cancel": ofTask },
};
const MCP_METHODS = [
  ...[...MODERN_METHODS.keys()].map((method) => [method, postModern] as const),
  ...[...LEGACY_METHODS.keys()].map((method) => [method, postLegacy] as const),
];

test.each(MCP_METHODS)("MCP %s", async (method, post) => {
  const row = MCP_ROWS[method];
  if (row === undefined) throw new Error(`${method} has no row`);
  const outcome = async (caller: Caller): Promise<string> => {
    const key = keys.get(caller);
    const { status, end } = await post(`${restUrl}/mcp/t/default%2Flab`, {
      ...{ method, params: row.params?.() ?? {}, beginOnly: method === "subscriptions/listen" },
      capabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } },
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    });
    if (status === 401) return (end as { readonly reason?: string }).reason ?? "";
    const { reason } = (end.error?.data ?? {}) as { readonly reason?: string };
    return end.error === undefined ? "answered" : (reason ?? String(end.error.code));
  };
  expect({
    none: await outcome("nobody"),
    expired: await outcome("expired"),
    foreign: await outcome("foreign"),
    wrong: await outcome(row.wrong[0]),
    right: await outcome(row.right[0]),
  }).toEqual({
    none: "UNAUTHENTICATED",
    expired: "UNAUTHENTICATED",
    foreign: row.foreign,
    wrong: row.wrong[1],
    right: row.right[1],
  });
});

const MCP_ROUTES = mcpRoutes({ catalog: new CatalogInMemory(), taskAfterMs: 1 });

test.each(MCP_ROUTES.map(({ method, path }) => [method, path]))(
  "%s %s lets in nobody unknown",
  async (method, path) => {
    for (const caller of ["nobody", "expired"] as const) {
      const key = keys.get(caller);
      const response = await fetch(`${restUrl}${path.replace(":toolset", "default%2Flab")}`, {
        method,
        headers: {
          "content-type": "application/json",
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        ...(method === "POST" ? { body: "{}" } : {}),
      });
      expect([response.status, ((await response.json()) as { reason: string }).reason]).toEqual([
        401,
        "UNAUTHENTICATED",
      ]);
    }
  },
);
