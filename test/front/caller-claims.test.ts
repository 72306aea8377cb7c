import { randomInt } from "node:crypto";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import { Metadata } from "@grpc/grpc-js";
import { Type } from "typebox";
import { expect, test } from "vitest";
import { csrfTokenOf, SESSION_COOKIE } from "../../src/front/http/request-credentials.js";
import { route } from "../../src/front/http/route.js";
import type { CallContext } from "../../src/front/services/call-context.js";
import { unary } from "../../src/front/services/methods.js";
import { RawJson } from "../../src/json/raw-json.js";
import { fromServiceError } from "../../src/protocol/status-details.js";
import { ScriptedAccess } from "../access/scripted-access.js";
import { expectNoLeaks } from "../support/leaks.js";
import { echoServer } from "./grpc/echo-server.js";
import { httpEcho } from "./http/http-echo.js";

expectNoLeaks();

/*
 * Who a caller is comes from its credential alone: whatever a request claims besides, in headers, cookies, its query or its body, the
 * answer is the same as without. The claims are drawn at random; a failure says by which seed.
 */

/** How many requests of each kind are made. */
const REQUESTS = 600;

class Random {
  #state: number;

  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed;
  }

  below(most: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * most);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item; // there is one
  }

  some<Item>(items: readonly Item[], most: number): Item[] {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(items));
  }
}

/** Names by which proxies and gateways tell others who somebody is. */
const CLAIMS = [
  ...["x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-for", "x-forwarded-client-cert"],
  ...["x-remote-user", "remote-user", "x-user", "x-user-id", "x-username", "x-auth-request-user", "x-real-ip"],
  ...["x-tenant", "x-tenant-id", "tenant", "x-org-id", "x-toolgate-tenant", "toolgate-tenant", "toolgate-principal"],
  ...["x-role", "x-roles", "x-admin", "x-api-key", "api-key", "x-auth-token", "x-access-token", "x-ssl-client-verify"],
  ...["x-client-cert", "x-amzn-oidc-identity", "x-goog-authenticated-user-email", "x-ms-client-principal", "forwarded"],
  ...["proxy-authorization", "x-authorization", "authorization_", "x-original-url", "x-http-method-override", "via"],
  ...["mcp-session-id", "toolgate-session-id", "toolgate-run-id", "traceparent", "tracestate", "baggage", "from"],
];
const VALUES = [
  ...["root", "ada", "bob", "admin", "cluster-admin", "true", "1", "Bearer ada", "Bearer root", "Basic cm9vdDpyb290"],
  ...[
    "default/root",
    "acme/root",
    "acme",
    "user=root;tenant=acme",
    "for=127.0.0.1;by=root",
    "*",
    "null",
    "[object Object]",
  ],
  ...["__proto__", "constructor", "root\u00ad", "%72oot", "ro\u00f6t", "{}", '{"sub":"root"}', "a".repeat(500)],
];

/** A credential, and who has it: nobody where it does not hold. */
interface Proof {
  readonly authorization: readonly string[];
  readonly cookie?: string;
  readonly who: string | undefined;
}

const session = (name: string): string => `${SESSION_COOKIE}=${name}`;
const PROOFS: readonly Proof[] = [
  { authorization: ["Bearer ada"], who: "ada" },
  { authorization: ["Bearer bob"], who: "bob" },
  { authorization: [], who: undefined },
  { authorization: [""], who: undefined },
  { authorization: ["Bearer mallory"], who: undefined },
  { authorization: ["Bearer ada, Bearer bob"], who: undefined },
  { authorization: ["Bearer ada", "Bearer bob"], who: undefined },
  { authorization: ["Bearer ada", "Bearer ada"], who: undefined },
];
/** What a browser sends besides. */
const COOKIES: readonly Proof[] = [
  { authorization: [], cookie: session("ada"), who: "ada" },
  { authorization: [], cookie: `user=root; ${session("bob")}; role=admin`, who: "bob" },
  // A header that is there decides.
  { authorization: ["Bearer ada"], cookie: session("bob"), who: "ada" },
  { authorization: ["Bearer mallory"], cookie: session("ada"), who: undefined },
  { authorization: [], cookie: `${session("ada")}; ${session("bob")}`, who: undefined },
  { authorization: [], cookie: session("mallory"), who: undefined },
  { authorization: [], cookie: "toolgate-session=ada; session=root; __Secure-toolgate-session=ada", who: undefined },
];

const whoAsks = ({ principal: { tenant, id, kind, roles } }: CallContext): Buffer =>
  Buffer.from(JSON.stringify({ tenant, id, kind, roles }));
const Invoke = unary(async (_request, context) => ({ terminal: { resultJson: whoAsks(context) } }));
const expected = (who: string | undefined): object =>
  who === undefined ? { reason: "UNAUTHENTICATED" } : { tenant: "default", id: who, kind: "key", roles: [] };

test("by HTTP, nothing but a credential says who a caller is", async () => {
  const random = new Random(randomInt(2 ** 31));
  const access = new ScriptedAccess("ada", "bob");
  const who = route({
    method: "POST",
    path: "/who/:tenant",
    rpc: "Gateway/Invoke",
    operationId: "who",
    summary: "Who asks.",
    tag: "test",
    params: Type.Object({ tenant: Type.String() }),
    query: Type.Object({}, { additionalProperties: true }),
    body: Type.Object({}, { additionalProperties: true }),
    answers: { 200: { description: "Who.", schema: Type.Unknown() } },
    async handle({ ask }) {
      const { terminal } = await ask.unary("Gateway/Invoke", {});
      return { status: 200, body: new RawJson(terminal?.resultJson as Buffer) };
    },
  });
  await using echo = await httpEcho({ Invoke }, {}, { access, routes: [who] });
  const [host = "", port = ""] = echo.address.split(":");
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  for (let nth = 0; nth < REQUESTS; nth++) {
    const { authorization, cookie, who: caller } = random.pick([...PROOFS, ...COOKIES]);
    const claims = random.some(CLAIMS, 6).map((name): [string, string] => [name, random.pick(VALUES).slice(0, 500)]);
    const said = [...claims, ...authorization.map((value): [string, string] => ["authorization", value])];
    if (cookie !== undefined) said.push(["cookie", cookie]);
    // A page sends the token of the login that it knows.
    if (authorization.length === 0 && caller !== undefined) said.push(["x-csrf-token", csrfTokenOf(caller)]);
    else if (random.below(2) === 0) said.push(["x-csrf-token", csrfTokenOf(random.pick(["ada", "bob", "root"]))]);
    const headers = said
      .toSorted(() => random.below(3) - 1)
      .flatMap(([name, value]) => [
        random.below(2) === 0 ? name : name.toUpperCase(),
        Buffer.from(value).toString("latin1"),
      ]);
    const query = new URLSearchParams(
      random.some(CLAIMS, 3).map((name) => [name, random.pick(VALUES)] as [string, string]),
    );
    const body = JSON.stringify(Object.fromEntries(random.some(CLAIMS, 3).map((name) => [name, random.pick(VALUES)])));
    const path = `/who/${encodeURIComponent(random.pick(["acme", "root", "default"]))}?access_token=ada&user=root&${query}`;
    const common = [
      "host",
      echo.address,
      "content-type",
      "application/json",
      "content-length",
      String(Buffer.byteLength(body)),
    ];
    const asking = request({ host, port: Number(port), method: "POST", path, agent, headers: [...common, ...headers] });
    asking.end(body);
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    expect(await json(response), `seed ${random.seed}, request ${nth}: ${headers.join(" | ")}`).toMatchObject(
      expected(caller),
    );
  }
  agent.destroy();
  for (const { authorization = "" } of access.asked)
    expect(authorization).toMatch(/^(Bearer (ada|bob|mallory)(, Bearer bob)?)?$/);
});

test("by gRPC, nothing but a credential says who a caller is", async () => {
  const random = new Random(randomInt(2 ** 31));
  const access = new ScriptedAccess("ada", "bob");
  await using echo = await echoServer({ Invoke }, {}, { access });
  const client = echo.client();
  for (let nth = 0; nth < REQUESTS; nth++) {
    // gRPC's client sends no second header; call-credentials.test.ts does.
    const { authorization, who: caller } = random.pick(PROOFS.filter((proof) => proof.authorization.length < 2));
    const metadata = new Metadata();
    const claims = [...random.some([...CLAIMS, "cookie"], 6)];
    for (const name of claims) {
      const value = name === "cookie" ? session("ada") : random.pick(VALUES).replace(/[^ -~]/g, "?");
      if (random.below(8) === 0) metadata.set(`${name}-bin`, Buffer.from(value));
      else metadata.set(name, value); // its client sends none of some names twice
    }
    for (const value of authorization) metadata.add("authorization", value);
    const meta = { runId: random.pick(VALUES), sessionId: random.pick(VALUES) };
    const answer = await new Promise<unknown>((resolve) => {
      client.invoke({ call: { meta } }, metadata, (error, response) =>
        resolve(
          error === null
            ? JSON.parse(String(response?.terminal?.resultJson))
            : { reason: fromServiceError(error).reason },
        ),
      );
    });
    expect(answer, `seed ${random.seed}, call ${nth}: ${JSON.stringify(metadata.toJSON())}`).toEqual(expected(caller));
  }
});
