import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeSecretToken } from "../../src/access/credentials/secret-token.js";
import { parseConfig } from "../../src/config/config.js";
import { connect, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import { problem } from "../front/http/http-echo.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { type RestClient, restClient } from "../support/served-answers.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";

/** What administrators, auditors and operators ask by HTTP, at a node whose callers must prove who they are. */

expectNoLeaks();

const PASSWORD = "canary-password of eve";
const SESSION = /^__Host-toolgate-session=([^;]+); Path=\/; Secure; HttpOnly; SameSite=Lax$/;

let redis: TestRedis;
let node: GatewayNode;
let admin: Toolgate;
let rest: RestClient;
let folder = "";
let nodes = "";
let adminKey = "";

beforeAll(async () => {
  redis = await privateRedis();
  folder = await mkdtemp(join(tmpdir(), "toolgate-bootstrap-"));
  adminKey = makeSecretToken("key", randomBytes).text;
  const bootstrapKeyFile = join(folder, "key");
  await writeFile(bootstrapKeyFile, `${adminKey}\n`, { mode: 0o600 });
  const flags = {
    ...STEADY,
    ...{ auth: "required", bootstrapKeyFile, maxAttempts: 1, drainGraceMs: 500 },
    ...{ listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", redisUrl: redis.url, logLevel: "silent" },
  };
  node = createNode(parseConfig({ env: {}, flags }));
  const { address, httpAddress } = await node.start();
  nodes = address;
  rest = await restClient(`http://${httpAddress}`, adminKey);
  admin = await connect(address, { key: adminKey });
  await admin.access.setPassword({ user: "eve", password: PASSWORD, roles: ["operator"] });
});
afterAll(async () => {
  await admin?.close();
  await node?.stop();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What a request proves its caller by; the administrator's key unless said. */
type Proof = Readonly<Record<string, string>>;
const bearer = (key: string): Proof => ({ authorization: `Bearer ${key}` });

const get = (path: string, proof: Proof = bearer(adminKey)): Promise<Response> => rest.ask(path, { headers: proof });

/** @param body JSON, to the byte where it is a text */
function post(path: string, body?: object | string, proof: Proof = bearer(adminKey)): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return rest.ask(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...proof },
    ...(text === undefined ? {} : { body: text }),
  });
}

/** What is answered with a status, as an object. */
async function answered(response: Promise<Response>, status = 200): Promise<Record<string, unknown>> {
  const got = await response;
  expect([got.status, got.status === status ? "" : await got.text()]).toEqual([status, ""]);
  return (await got.json()) as Record<string, unknown>; // an object, as all are
}

test("a login's token is sent as a key is, until it is logged out", async () => {
  const { sessionToken } = await answered(post("/v1/login", { user: "eve", password: PASSWORD }, {}));
  const eve = bearer(String(sessionToken));
  expect(await answered(get("/v1/whoami", eve))).toEqual({
    ...{ tenant: "default", id: "eve", kind: "user", roles: ["operator"] },
    expiresAtMs: expect.any(Number),
  });
  const gone = await post("/v1/logout", undefined, eve);
  expect([gone.status, gone.headers.get("set-cookie")]).toEqual([204, null]);
  expect(await problem(get("/v1/whoami", eve))).toMatchObject({ status: 401, reason: "UNAUTHENTICATED" });
  for (const [user, password] of [
    ["eve", "another password"],
    ["adam", PASSWORD],
  ])
    expect(await problem(post("/v1/login", { user, password }, {}))).toMatchObject({
      status: 401,
      reason: "UNAUTHENTICATED",
    });
});

test("a browser's login is a cookie that no page reads, and changes nothing without its token", async () => {
  const response = await post("/v1/login?cookie=true", { user: "eve", password: PASSWORD }, {});
  const [, session = ""] = SESSION.exec(response.headers.get("set-cookie") ?? "") ?? [];
  expect(session).not.toBe("");
  const said = await response.text();
  expect(said).not.toContain(session);
  const { csrfToken } = JSON.parse(said) as { readonly csrfToken: string };
  const cookie = { cookie: `theme=dark; __Host-toolgate-session=${session}` };
  expect(await answered(get("/v1/whoami", cookie))).toMatchObject({ id: "eve", csrfToken });
  for (const csrf of [{}, { "x-csrf-token": "made-up" }, { "x-csrf-token": session }])
    expect(await problem(post("/v1/logout", undefined, { ...cookie, ...csrf }))).toMatchObject({ status: 401 });
  const gone = await post("/v1/logout", undefined, { ...cookie, "x-csrf-token": csrfToken });
  expect([gone.status, gone.headers.get("set-cookie")]).toEqual([
    204,
    "__Host-toolgate-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0",
  ]);
  expect(await problem(get("/v1/whoami", cookie))).toMatchObject({ status: 401 });
});

test("a body with many faults is refused by the first, and a login's is small", async () => {
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, nth) => [`unknown-${nth}`, nth]));
  const refused = await problem(post("/v1/keys", { principal: "robot", roles: ["agent"], ...many }));
  expect(refused).toMatchObject({ status: 400, violations: [{ field: "body" }] });
  const large = { user: "eve", password: PASSWORD, ...many };
  expect(await problem(post("/v1/login", large, {}))).toMatchObject({ status: 413, reason: "MESSAGE_TOO_LARGE" });
});

test("a password is set, and lets its person in", async () => {
  const put = (user: string, body: object): Promise<Response> =>
    rest.ask(`/v1/users/${user}/password`, {
      method: "PUT",
      headers: { "content-type": "application/json", ...bearer(adminKey) },
      body: JSON.stringify(body),
    });
  const password = "canary-password of ida";
  expect((await put("ida", { password, roles: ["auditor"], reason: "for the test" })).status).toBe(204);
  const { sessionToken } = await answered(post("/v1/login", { user: "ida", password }, {}));
  expect(await answered(get("/v1/whoami", bearer(String(sessionToken))))).toMatchObject({
    id: "ida",
    roles: ["auditor"],
  });
  expect((await put("ida", { password: `${password} anew` })).status).toBe(204); // with the roles that she has
  expect(await problem(post("/v1/login", { user: "ida", password }, {}))).toMatchObject({ status: 401 });
  expect(await problem(put("ida", { password: "short" }))).toMatchObject({ status: 400 });
  expect(await (await get("/v1/audit?event=change&tool=ida")).text()).not.toContain("canary");
});

/** Numbers, keys and white space that reading and writing again would change. */
const SCHEMA = '{ "type":"object", "properties" : {"n":{"multipleOf":0.10, "maximum": 1e2}}, "required":["n"] }';

test("a toolset is registered by HTTP, answers pings, and its lease is renewed and released", async () => {
  const contract = `{"version":"1.0.0","name":"posted","tags":["t"],"tools":[{"payloadSchema":${SCHEMA},"name":"take",
    "delivery":"idempotent","annotations":{"readOnlyHint":false},"meta":{"icons":[]}}]}`;
  const register = (more = ""): Promise<Response> =>
    post("/v1/toolsets", `{"providerId":"p","incarnation":"i1",${more}"contract":${contract}}`);
  const { leaseToken, epoch, ...registered } = await answered(register(), 201);
  expect(registered).toMatchObject({ state: "active", leaseMs: expect.any(Number), warnings: [], skipped: [] });
  const shown = await (await get("/v1/toolsets/posted")).text();
  expect(JSON.parse(shown)).toMatchObject({
    digest: registered.digest,
    tools: [{ name: "take", delivery: "idempotent", annotations: { readOnlyHint: false }, meta: { icons: [] } }],
  });
  expect(JSON.parse(shown)).toMatchObject({ tools: [{ payloadSchema: JSON.parse(SCHEMA) }] });
  const lease = { toolset: "posted", epoch, providerId: "p", incarnation: "i1", leaseToken };
  expect(await answered(post("/v1/leases:renew", { lease, maxInFlight: 4 }))).toEqual({
    leaseUntilMs: expect.any(Number),
    fenced: [],
  });
  expect(await answered(post("/v1/leases:pong", { lease }))).toEqual({ state: "active" });
  await until("it is healthy", async () => (await admin.get("posted")).healthy);
  const unknown = { callId: `0.${"A".repeat(22)}`, attempt: 1 };
  expect(await answered(post("/v1/leases:renew", { lease, inHand: [unknown] }))).toMatchObject({ fenced: [unknown] });
  expect((await post("/v1/leases:drain", { lease })).status).toBe(204);
  expect(await problem(post("/v1/leases:drain", { lease: { ...lease, leaseToken: "made-up" } }))).toMatchObject({
    reason: "LEASE_LOST",
  });
  for (let times = 0; times < 2; times++) expect((await post("/v1/leases:release", { lease })).status).toBe(204);
  expect(await problem(post("/v1/leases:renew", { lease }))).toMatchObject({ reason: "LEASE_LOST" });
  const bad = contract.replace("1e2", '"many"');
  const refused = await problem(post("/v1/toolsets", `{"providerId":"p","incarnation":"i2","contract":${bad}}`));
  expect(refused).toMatchObject({ reason: "INVALID_SCHEMA", violations: expect.any(Array) });
  expect((await post("/v1/toolsets/posted:unregister", { epoch })).status).toBe(204);
});

test("keys are made, listed, rotated and revoked", async () => {
  const wanted = { principal: "robot", roles: ["agent"], ttlMs: 3_600_000, reason: "for the test" };
  const first = await answered(post("/v1/keys", wanted), 201);
  expect(await answered(get("/v1/whoami", bearer(String(first.key))))).toMatchObject({ id: "robot", kind: "key" });
  const listed = await (await get("/v1/keys")).text();
  expect(JSON.parse(listed)).toMatchObject({
    holders: expect.arrayContaining([
      expect.objectContaining({
        ...{ principal: "robot", roles: ["agent"], disabled: false },
        keys: [expect.objectContaining({ keyId: first.keyId, expiresAtMs: first.expiresAtMs })],
      }),
    ]),
  });
  expect(listed).not.toContain(String(first.key));
  const second = await answered(post("/v1/keys/robot:rotate"), 201); // a body in which all may be left out
  expect(await problem(get("/v1/whoami", bearer(String(first.key))))).toMatchObject({ status: 401 });
  expect((await get("/v1/whoami", bearer(String(second.key)))).status).toBe(200);
  expect(await answered(post("/v1/keys/robot:revoke", { keyId: second.keyId }))).toEqual({ revoked: 1 });
  expect(await problem(get("/v1/whoami", bearer(String(second.key))))).toMatchObject({ status: 401 });
});

/** Its white space, its escapes and the order of its keys are its author's. */
const BODY = '{ "rules" : [],\n  "description":"\\u0061 \\"role\\", } with ] all" }';

test("documents are applied to the byte, from the revision that was seen, and restored", async () => {
  const apply = (change: string, more = ""): Promise<Response> =>
    post("/v1/documents:apply", `{${more} "changes" : [ {"kind":"role","name":"quiet",${change}} ] }`);
  const path = "/v1/documents/role/quiet";
  expect(await answered(apply(`"body" :${BODY}`, '"dryRun":true,'))).toMatchObject({
    outcomes: [{ tenant: "default", kind: "role", name: "quiet", outcome: "created" }],
  });
  expect(await problem(get(path))).toMatchObject({ status: 404 });
  const made = await answered(apply(`"body" :${BODY}, "expectRevision": 0`, '"reason":"quiet it is",'));
  const { revision } = made as { readonly revision: number };
  const shown = await get(path);
  expect(await shown.text()).toContain(`"body":${BODY}`);
  expect(await problem(apply('"body":{"rules":[]}, "expectRevision": 0'))).toMatchObject({
    status: 409,
    reason: "DOCUMENT_CONFLICT",
  });
  expect(await answered(apply(`"body":{"rules":[]}, "expectRevision": ${revision}`))).toMatchObject({
    outcomes: [{ outcome: "changed", differences: [expect.stringContaining("/description")] }],
  });
  await answered(apply('"remove": true'));
  await answered(apply(`"restoreRevision": ${revision}`));
  expect(await (await get(path)).text()).toContain(`"body":${BODY}`);
  const { revisions } = (await answered(get(`${path}/revisions`))) as { readonly revisions: { removed: boolean }[] };
  expect(revisions.map(({ removed }) => removed)).toEqual([false, true, false, false]);
  expect(await answered(get(`${path}?revision=${revision}`))).toMatchObject({ revision, reason: "quiet it is" });
  const { documents } = (await answered(get("/v1/documents?kind=role"))) as { readonly documents: { name: string }[] };
  expect(documents.map(({ name }) => name)).toContain("quiet");
});

test.each([
  ["/v1/documents:apply", '{"changes":[{"kind":"role","name":"quiet"}]}'], // that would remove it
  ["/v1/documents:apply", '{"changes":[{"kind":"role","name":"quiet","body":{"rules":[]},"remove":true}]}'],
  ["/v1/documents:apply", '{"changes":[{"kind":"role","name":"quiet","body":null}]}'],
  ["/v1/documents:apply", '{"changes":[{"kind":"role","name":"quiet","expectRevision":"0","remove":true}]}'],
  ["/v1/documents:apply", '{"changes":[]}'],
  ["/v1/dead/frail:purge", "{}"], // that would forget all
  ["/v1/dead/frail:purge", '{"ids":[]}'],
  ["/v1/keys", '{"principal":"robot"}'],
  ["/v1/keys", '{"principal":"robot","roles":["agent"],"admin":true}'],
  ["/v1/login", '{"user":"eve","password":["a"]}'],
  ["/v1/toolsets", '{"contract":{"name":"a","version":"1.0.0","tools":[]},"providerId":"p","incarnation":"i"}'],
  ["/v1/leases:release", '{"lease":{"toolset":"lab"}}'],
  ["/v1/leases:renew", "[]"],
])("POST %s with %s is refused, and changes nothing", async (path, body) => {
  const { revision } = await answered(get("/v1/documents?pageSize=1"));
  const { status } = await problem(post(path, body));
  expect([400, 422]).toContain(status);
  expect((await answered(get("/v1/documents?pageSize=1"))).revision).toBe(revision);
});

test("the audit is read, followed and verified", async () => {
  const stop = new AbortController();
  const tail = rest.events(
    await rest.ask("/v1/audit:tail?event=change&tool=seen", { headers: bearer(adminKey), signal: stop.signal }),
  );
  const next = tail.next();
  let isSeen = false;
  void next.then(() => {
    isSeen = true;
  });
  await until("the change is followed", async () => {
    await answered(post("/v1/keys", { principal: "seen", roles: ["agent"] }), 201);
    return isSeen;
  });
  const { value } = await next;
  const record = { event: "change", tenant: "default", verb: "administer", toolset: "key", tool: "seen" };
  expect(value).toMatchObject({ event: "record", data: record });
  stop.abort();
  const page = await answered(get("/v1/audit?event=change&tool=seen&pageSize=1"));
  expect(page).toMatchObject({ records: [record] });
  expect(await answered(get("/v1/audit?event=change&fromMs=1&untilMs=2"))).toEqual({ records: [], nextPageToken: "" });
  expect(await answered(post("/v1/audit:verify"))).toMatchObject({ records: expect.any(Number), faults: [] });
});

test("dead calls are shown, made again once, and purged; a toolset is explained and taken out", async () => {
  const started: number[] = [];
  const payload = '{"n": 10.50, "n2":725653563933458433 }';
  const double = {
    payload: Type.Object({ n: Type.Number(), n2: Type.Number() }),
    idempotent: true,
    run: async ({ n }: { n: number }) => {
      started.push(n);
      await new Promise(() => {});
      return n;
    },
  };
  const provider = await serveToolset({ name: "frail", version: "1.0.0", tools: { double } }, { nodes, key: adminKey });
  await until("it can be called", async () => (await admin.get("frail")).healthy);
  const question = `{"toolset":"frail","tool":"double","payload":${payload}}`;
  expect(await answered(post("/v1/explain", question))).toMatchObject({ outcome: "ready" });
  expect(await answered(post("/v1/explain", question.replace("10.50", '"ten"')))).toMatchObject({
    gates: expect.arrayContaining([expect.objectContaining({ gate: "arguments", verdict: "failed" })]),
  });
  expect(await answered(get("/v1/explain?toolset=frail&tool=double&roles=auditor,agent"))).toMatchObject({
    gates: expect.arrayContaining([expect.objectContaining({ gate: "policy", verdict: "passed" })]),
  });

  const call = await post("/v1/toolsets/frail/tools/double:call?wait=1ms", payload);
  const { callId } = (await call.json()) as { readonly callId: string };
  await until("it runs", () => started.length === 1);
  const [{ epoch = 0 } = {}] = ((await answered(get("/v1/toolsets/frail"))) as { epochs: { epoch: number }[] }).epochs;
  await provider.stop({ graceMs: 0 });
  const [given] = await until("it was given up", async () => {
    const { calls } = (await answered(get("/v1/dead/frail"))) as { readonly calls: { readonly id: string }[] };
    return calls.length === 1 && calls;
  });
  const path = `/v1/dead/frail/${given?.id}`;
  const shown = await (await get(path)).text();
  expect(JSON.parse(shown)).toMatchObject({ callId, tool: "double", reason: "ATTEMPTS_EXHAUSTED", attempts: 1 });
  expect(shown).toContain(`"payload":${payload}`);
  const again = await post(`${path}:redrive`);
  expect([again.status, again.headers.get("location")]).toEqual([202, expect.stringMatching(/^\/v1\/calls\/./)]);
  expect(await problem(post(`${path}:redrive`))).toMatchObject({ status: 404, reason: "UNKNOWN_CALL" });
  expect(await answered(post("/v1/dead/frail:purge", { all: true }))).toEqual({ purged: 0 });

  expect(await problem(post("/v1/toolsets/frail:promote", { epoch: epoch + 1 }))).toMatchObject({ status: 409 });
  expect(await problem(post("/v1/toolsets/frail:unregister", { epoch: epoch + 1 }))).toMatchObject({ status: 409 });
  expect((await post("/v1/toolsets/frail:unregister", { epoch })).status).toBe(204);
  expect(await problem(get("/v1/toolsets/frail"))).toMatchObject({ status: 404 });
});

test("the registry is told with its nodes and limits", async () => {
  expect(await answered(get("/v1/registry"))).toMatchObject({
    nodeId: node.nodeId,
    limits: { maxPayloadBytes: expect.any(Number) },
    nodes: [{ nodeId: node.nodeId }],
  });
});
